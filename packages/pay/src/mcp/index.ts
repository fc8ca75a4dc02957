export {
  type ClosedResult,
  type CloseTool,
  closeTool,
  closeToolName,
  toolClosingFetch,
} from './closeTool.ts'
export { createToolPayer, type ToolCall, type ToolClient, type ToolPayerOptions } from './createToolPayer.ts'
export { ToolResultInvalidError } from './errors.ts'
export {
  type PaidTool,
  type PaidToolCall,
  type PaidToolHandler,
  priceTool,
  type ToolExtra,
  type ToolRefusal,
} from './priceTool.ts'
export { metaKeys, type ToolResult } from './toolResult.ts'
export { digestToolCall, toolUrl } from './toolUrl.ts'
