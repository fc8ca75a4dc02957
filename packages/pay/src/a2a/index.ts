export { type AgentClient, type AgentPayerOptions, createAgentPayer } from './createAgentPayer.ts'
export { AgentAnswerInvalidError } from './errors.ts'
export { a2aExtension, a2aExtensionUri, a2aKeys } from './extension.ts'
export { type PaidSkill, priceAgent, type SoldSkill, textPart } from './priceAgent.ts'
