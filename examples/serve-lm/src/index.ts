export * from './errors.ts'
export { type ServedModel, type ServeOptions, serveModel } from './serveModel.ts'
