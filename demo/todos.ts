import { randomUUID } from 'node:crypto'

export interface Todo {
  readonly id: string
  readonly title: string
  readonly description: string | null
  readonly completed: boolean
}

export type TodoChanges = Partial<Omit<Todo, 'id'>>

/** The todos of one subject. */
export interface TodoList {
  /** Returns undefined when the list is full. */
  create (title: string, description: string | null): Todo | undefined
  all (): readonly Todo[]
  get (id: string): Todo | undefined
  update (id: string, changes: TodoChanges): Todo | undefined
  delete (id: string): boolean
}

export interface TodoStoreOptions {
  /** Titles of the todos that every new list starts with. */
  readonly seed?: readonly string[]
  /** Lists kept; the one that was not used for longest goes first. Default 1000. */
  readonly maxLists?: number
  /** Todos per list. Default 1000. */
  readonly maxTodos?: number
}

/** Returns a store that keeps one bounded list per subject in memory. */
export function createTodoStore (options: TodoStoreOptions = {}): { of (subject: string): TodoList } {
  const { seed = [], maxLists = 1000, maxTodos = 1000 } = options
  const lists = new Map<string, TodoList>()

  return {
    of (subject) {
      const list = lists.get(subject) ?? createTodoList(seed, maxTodos)
      // A Map keeps insertion order: putting the entry back makes it the youngest.
      lists.delete(subject)
      lists.set(subject, list)
      const [oldest] = lists.keys()
      if (lists.size > maxLists && oldest !== undefined) lists.delete(oldest)
      return list
    }
  }
}

function createTodoList (seed: readonly string[], maxTodos: number): TodoList {
  // A Map, so that `__proto__` is an id like any other.
  const todos = new Map<string, Todo>()

  const list: TodoList = {
    create (title, description) {
      if (todos.size >= maxTodos) return undefined
      // Random ids: counted ids collide after a delete and can be guessed.
      const todo = { id: randomUUID(), title, description, completed: false }
      todos.set(todo.id, todo)
      return todo
    },
    all: () => [...todos.values()],
    get: (id) => todos.get(id),
    update (id, changes) {
      const todo = todos.get(id)
      if (todo === undefined) return undefined
      const updated = { ...todo, ...changes }
      todos.set(id, updated)
      return updated
    },
    delete: (id) => todos.delete(id)
  }
  for (const title of seed) list.create(title, null)
  return list
}
