import { fromJsonSchema, type CallToolResult, type McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { TodoChanges, TodoList } from './todos.js'

const title = z.string().min(1).max(500)
const description = z.string().max(5000)
const todoId = z.string().max(100)

/** Adds the five todo tools, all working on the given list. */
export function registerTodoTools (server: McpServer, todos: TodoList): void {
  // FastMCP declares this for a tool that returns a dict: clients of the original see the same.
  const outputSchema = fromJsonSchema({ type: 'object', additionalProperties: true })

  server.registerTool('create_todo', {
    description: 'Create a todo.',
    inputSchema: z.object({ title, description: description.nullish() }),
    outputSchema,
    annotations: { destructiveHint: false, openWorldHint: false }
  }, ({ title, description }) => {
    const todo = todos.create(title, description ?? null)
    return todo === undefined ? fail('The todo list is full.') : succeed({ todo })
  })

  server.registerTool('list_todos', {
    description: 'List all todos, or only the completed or the open ones.',
    inputSchema: z.object({ completed: z.boolean().nullish() }),
    outputSchema,
    annotations: { readOnlyHint: true, openWorldHint: false }
  }, ({ completed }) => {
    const wanted = todos.all().filter((todo) => completed == null || todo.completed === completed)
    return succeed({ todos: wanted })
  })

  server.registerTool('get_todo', {
    description: 'Get one todo by its id.',
    inputSchema: z.object({ todo_id: todoId }),
    outputSchema,
    annotations: { readOnlyHint: true, openWorldHint: false }
  }, ({ todo_id: id }) => {
    const todo = todos.get(id)
    return todo === undefined ? failToFind(id) : succeed({ todo })
  })

  server.registerTool('update_todo', {
    description: 'Change the title, the description or the completion of a todo.',
    inputSchema: z.object({
      todo_id: todoId,
      title: title.nullish(),
      description: description.nullish(),
      completed: z.boolean().nullish()
    }),
    outputSchema,
    annotations: { destructiveHint: false, idempotentHint: true, openWorldHint: false }
  }, ({ todo_id: id, ...changes }) => {
    const todo = todos.update(id, withoutNulls(changes))
    return todo === undefined ? failToFind(id) : succeed({ todo })
  })

  server.registerTool('delete_todo', {
    description: 'Delete a todo.',
    inputSchema: z.object({ todo_id: todoId }),
    outputSchema,
    annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false }
  }, ({ todo_id: id }) => todos.delete(id) ? succeed({ deleted: id }) : failToFind(id))
}

/** Null means "leave as it is", as it does for the optional arguments of the original. */
function withoutNulls (changes: Record<string, unknown>): TodoChanges {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value != null))
}

function succeed (output: Record<string, unknown>): CallToolResult {
  const text = JSON.stringify(output)
  return { content: [{ type: 'text', text }], structuredContent: output, isError: false }
}

function failToFind (id: string): CallToolResult {
  return fail(`Todo \`${id}\` not found.`)
}

/** `isError` lets a model see that the call failed (MCP server/tools, Error Handling). */
function fail (error: string): CallToolResult {
  return { ...succeed({ error }), isError: true }
}
