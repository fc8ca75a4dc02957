import type {
  Abi,
  ContractFunctionArgs,
  ContractFunctionName,
  ReadContractParameters,
  ReadContractReturnType,
} from 'viem'
import { readContract } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { ReadClient } from './write.ts'

/** Reads from a contract; what goes wrong is decoded. */
export async function read<
  const abi extends Abi | readonly unknown[],
  name extends ContractFunctionName<abi, 'pure' | 'view'>,
  const args extends ContractFunctionArgs<abi, 'pure' | 'view', name>,
>(
  client: ReadClient,
  parameters: ReadContractParameters<abi, name, args>,
): Promise<ReadContractReturnType<abi, name, args>> {
  try {
    return await readContract(client, parameters)
  } catch (error) {
    throw decodeRevert(error)
  }
}
