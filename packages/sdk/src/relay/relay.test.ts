import fc from 'fast-check'
import { bytesToHex, keccak256 } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { parse } from '../border/parse.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import { FrameInvalidError, RelayGatewayError } from '../errors/relay.ts'
import { decodeFrame, encodeFrame, frameOverhead, maxMessageBytes } from './frame.ts'
import { relayAddress, relayHelloSchema, signRelayHello, verifyRelayHello } from './hello.ts'

const session = `0x${'ab'.repeat(16)}` as const

describe('frames', () => {
  test('default: bytes on the wire', () => {
    const bytes = encodeFrame({ session, kind: 'data', payload: new Uint8Array([1, 2]) })
    expect(bytesToHex(bytes)).toBe(`${session}010102`)
    expect(decodeFrame(bytes)).toEqual({ session, kind: 'data', payload: new Uint8Array([1, 2]) })
  })

  test('behavior: any frame reads back, any bytes read or are refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom('open', 'data', 'close'),
        fc.uint8Array({ maxLength: 300 }),
        (id, kind, payload) => {
          const frame = { session: bytesToHex(id), kind, payload } as const
          expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
        },
      ),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(encodeFrame(decodeFrame(bytes))).toEqual(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameInvalidError)
        }
      }),
    )
  })

  test('error: FrameInvalidError', () => {
    expect(() => decodeFrame(new Uint8Array(16))).toThrow('it has 16 bytes, at least 17 are needed')
    expect(() => decodeFrame(new Uint8Array(17).fill(3))).toThrow('its kind is 3, not 0, 1 or 2')
    expect(() => decodeFrame(new Uint8Array(frameOverhead + maxMessageBytes + 1))).toThrow(FrameInvalidError)
    const payload = new Uint8Array(maxMessageBytes + 1)
    expect(() => encodeFrame({ session, kind: 'data', payload })).toThrow(FrameInvalidError)
    expect(() => encodeFrame({ session: '0x12', kind: 'open', payload: new Uint8Array() })).toThrow(
      'is not 16 bytes',
    )
  })
})

describe('hello', () => {
  const device = privateKeyToAccount(generatePrivateKey())
  const nonce = keccak256('0x01')
  const gateway = 'https://gateway.example'
  const gateways = [gateway]

  test('default: a device proves its key', async () => {
    const hello = await signRelayHello(device, { nonce, chainId: 31337, gateway })
    const read = parse(relayHelloSchema, JSON.parse(JSON.stringify(hello)), 'hello')
    expect(await verifyRelayHello(read, { nonce, chainId: 31337, gateways })).toBe(device.address)
  })

  test('error: SignatureInvalidError for another nonce, chain or device', async () => {
    const hello = await signRelayHello(device, { nonce, chainId: 31337, gateway })
    const other = privateKeyToAccount(generatePrivateKey()).address
    for (const [altered, options] of [
      [hello, { nonce: keccak256('0x02'), chainId: 31337, gateways }],
      [hello, { nonce, chainId: 1, gateways }],
      [
        { ...hello, chainId: 1 },
        { nonce, chainId: 31337, gateways },
      ],
      [
        { ...hello, device: other },
        { nonce, chainId: 31337, gateways },
      ],
    ] as const)
      await expect(verifyRelayHello(altered, options)).rejects.toBeInstanceOf(SignatureInvalidError)
  })

  test('error: RelayGatewayError for a hello that was made for another gateway, SignatureInvalidError if it is renamed', async () => {
    const hello = await signRelayHello(device, { nonce, chainId: 31337, gateway: 'https://hostile.example' })
    const options = { nonce, chainId: 31337, gateways: [gateway, 'http://127.0.0.1:8787'] }
    await expect(verifyRelayHello(hello, options)).rejects.toThrow(
      'The hello is for the gateway "https://hostile.example"; this one is "https://gateway.example", "http://127.0.0.1:8787".',
    )
    await expect(verifyRelayHello(hello, options)).rejects.toBeInstanceOf(RelayGatewayError)
    await expect(verifyRelayHello({ ...hello, gateway }, options)).rejects.toBeInstanceOf(
      SignatureInvalidError,
    )
  })

  test('behavior: an address is written one way', () => {
    for (const url of ['https://gateway.example', 'HTTPS://Gateway.Example:443/', 'wss://gateway.example//'])
      expect(relayAddress(url)).toBe(gateway)
    expect(relayAddress('http://127.0.0.1:8787/mill/')).toBe('http://127.0.0.1:8787/mill')
  })
})
