import type { Task } from '@a2a-js/sdk'
import type { TaskStore } from '@a2a-js/sdk/server'

/** Tasks of one generation; as many again of the one before are known. */
const most = 2_000

/**
 * Tasks of an agent whose clients nobody has to know. Who has a task's id may go on with it, and nobody is told which there are: what one client
 * asked is not for the next. Held in memory, the latest few thousand: a task is a question, a payment and an answer, and takes seconds.
 */
export function openTaskStore(): TaskStore {
  let tasks = new Map<string, Task>()
  let before = new Map<string, Task>()
  return {
    async save(task) {
      if (tasks.size >= most && !tasks.has(task.id)) {
        before = tasks
        tasks = new Map()
      }
      tasks.set(task.id, task)
    },
    load: async (id) => tasks.get(id) ?? before.get(id),
    list: async () => ({ tasks: [], nextPageToken: '', pageSize: 0, totalSize: 0 }),
  }
}
