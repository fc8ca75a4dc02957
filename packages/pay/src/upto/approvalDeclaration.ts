const address = { type: 'string', pattern: '^0x[a-fA-F0-9]{40}$' }
const whole = { type: 'string', pattern: '^[0-9]+$' }

/** What a seller says of the extension `eip2612GasSponsoring`: a payer may sign its approval of Permit2 instead of sending it. */
export const approvalDeclaration = {
  info: { description: "Permit2's allowance may be a signed permit of the token (EIP-2612).", version: '1' },
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      from: address,
      asset: address,
      spender: address,
      amount: whole,
      nonce: whole,
      deadline: whole,
      signature: { type: 'string', pattern: '^0x[a-fA-F0-9]{130}$' },
      version: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)*$' },
    },
    required: ['from', 'asset', 'spender', 'amount', 'nonce', 'deadline', 'signature', 'version'],
  },
} as const
