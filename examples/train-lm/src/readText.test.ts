import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TextFolderEmpty, TextFolderUnreadable, TextNotUtf8 } from './errors.ts'
import { readText } from './readText.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-text-'))
  folders.push(root)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  return root
}

describe('readText', () => {
  test('default: Markdown and text files in the order of their paths', async () => {
    const root = await folderOf({
      'b.md': 'two\r\n',
      'a/z.TXT': 'one',
      'c.json': '{}',
      'node_modules/x.md': 'no',
      '.hidden/x.md': 'no',
    })
    await symlink('/etc/hostname', join(root, 'link.md'))
    expect(await readText(root)).toEqual([
      { path: 'a/z.TXT', text: 'one' },
      { path: 'b.md', text: 'two\n' },
    ])
  })

  test('error: TextFolderEmpty', async () => {
    const root = await folderOf({ 'a.json': '{}' })
    await expect(readText(root)).rejects.toThrow(TextFolderEmpty)
    await expect(readText(root)).rejects.toThrow(
      `No .md or .txt file under "${root}". Give a folder of text with --text.`,
    )
  })

  test('error: TextFolderUnreadable', async () => {
    await expect(readText('/nowhere')).rejects.toThrow(TextFolderUnreadable)
  })

  test('error: TextNotUtf8', async () => {
    for (const bytes of [Uint8Array.of(0xff, 0xfe, 0x41), Uint8Array.of(0x41, 0, 0x42)]) {
      const root = await folderOf({ 'a.txt': bytes })
      await expect(readText(root)).rejects.toThrow(TextNotUtf8)
      await expect(readText(root)).rejects.toThrow(
        '"a.txt" is not UTF-8 text. Remove it from the folder or convert it.',
      )
    }
  })
})
