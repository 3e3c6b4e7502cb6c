"""A FastMCP server with three tools. Arguments: the transport (http or sse), the port, and whether it is stateless."""
import sys

from fastmcp import FastMCP

server = FastMCP("interop")


@server.tool
def add(a: int, b: int) -> str:
    return f"The sum is {a + b}."


@server.tool
def subtract(a: int, b: int) -> str:
    return f"The difference is {a - b}."


@server.tool
def divide(a: int, b: int) -> str:
    return f"The quotient is {a // b}."


transport, port, state = sys.argv[1:]
options = {"stateless_http": state == "stateless"} if transport == "http" else {}
server.run(transport=transport, host="127.0.0.1", port=int(port), show_banner=False, **options)
