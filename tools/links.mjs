// Every relative link in a Markdown file must lead to a file, and every anchor to a heading.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { root } from './bootstrap.mjs'

const slug = (heading) =>
  heading
    .toLowerCase()
    .replace(/[`*]/g, '')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const withoutCode = (text) => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')
const anchors = (file) =>
  new Set([...readFileSync(file, 'utf8').matchAll(/^#+\s+(.*)$/gm)].map((match) => slug(match[1])))

/** Lists links that lead nowhere, as lines `file: link`. */
export function deadLinks() {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  const dead = []
  for (const name of listed.stdout.split('\n').filter(Boolean)) {
    const file = join(root, name)
    if (!existsSync(file)) continue
    for (const [, link] of withoutCode(readFileSync(file, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path, anchor] = link.split('#')
      const target = path === '' ? file : resolve(dirname(file), path)
      const missing =
        !existsSync(target) ||
        (anchor !== undefined && statSync(target).isFile() && !anchors(target).has(anchor))
      if (missing) dead.push(`${relative(root, file)}: ${link}`)
    }
  }
  return dead
}
