"""A server of the Python SDK with three tools. Arguments: the port, and whether it is stateless."""
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("interop")


@server.tool()
def add(a: int, b: int) -> str:
    return f"The sum is {a + b}."


@server.tool()
def subtract(a: int, b: int) -> str:
    return f"The difference is {a - b}."


@server.tool()
def divide(a: int, b: int) -> str:
    return f"The quotient is {a // b}."


port, state = sys.argv[1:]
server.run("streamable-http", host="127.0.0.1", port=int(port), stateless_http=state == "stateless")
