/** Where a seller of calls haggles, on its own origin: `POST` of one message, `{ answer }` back. */
export const hagglePath = '/.well-known/millrace-haggle'

/** Names, with a request, the haggle at whose price it is to be sold; with an answer, `void` says that it sells nothing any more. */
export const haggleHeader = 'Millrace-Haggle'
export const haggleVoid = 'void'

/** What a haggle about calls is counted in. */
export const callUnit = 'call'
