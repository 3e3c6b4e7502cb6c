"""The client of the Python SDK, 1.x or 2.x, as program.ts describes it: it does the task and has its person sign in."""
import asyncio
import contextlib
import json
import sys
from datetime import timedelta
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata

IS_V1 = version("mcp").startswith("1.")
CALL_LIMIT = 10
order = json.loads(sys.argv[1])


class Storage:
    """What the client keeps: in memory."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def send_away(url):
    print("authorize", url, flush=True)


async def come_back():
    line = await asyncio.to_thread(sys.stdin.readline)
    query = {name: values[0] for name, values in parse_qs(urlsplit(line.strip()).query).items()}
    if IS_V1:
        return query["code"], query.get("state")
    from mcp.shared.auth import AuthorizationCodeResult

    return AuthorizationCodeResult(**{name: query.get(name) for name in ("code", "state", "iss")})


auth = OAuthClientProvider(
    server_url=order["url"],
    client_metadata=OAuthClientMetadata(
        client_name="Python SDK",
        redirect_uris=[order["redirectUrl"]],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        response_types=["code"],
    ),
    storage=Storage(),
    redirect_handler=send_away,
    callback_handler=come_back,
)


@contextlib.asynccontextmanager
async def connect():
    async with contextlib.AsyncExitStack() as stack:
        if order["transport"] == "sse":
            transport = sse_client(order["url"], auth=auth)
        else:
            http = await stack.enter_async_context(create_mcp_http_client(auth=auth))
            transport = streamable_http_client(order["url"], http_client=http)
        if not IS_V1:
            from mcp import Client

            yield await stack.enter_async_context(Client(transport))
            return
        streams = await stack.enter_async_context(transport)
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        await session.initialize()
        yield session


async def attempt(call):
    """Calls on a connection of its own, because 1.x loses the connection when a call is refused, or waits for ever."""
    try:
        async with connect() as client:
            limit = timedelta(seconds=CALL_LIMIT) if IS_V1 else CALL_LIMIT
            result = await client.call_tool(call["tool"], call["args"], limit)
    except Exception as error:
        return {"kind": "refused", "text": describe(error)}
    text = "\n".join(content.text for content in result.content if content.type == "text")
    is_error = result.isError if IS_V1 else result.is_error
    return {"kind": "refused" if is_error else "answered", "text": text}


def describe(error):
    return " ".join([repr(error), *(describe(part) for part in getattr(error, "exceptions", []))])


async def main():
    async with connect() as client:
        tools = (await client.list_tools()).tools
    visit = {name: await attempt(order[name]) for name in ("allowed", "forbidden", "privileged")}
    print(json.dumps({"tools": [tool.name for tool in tools], **visit}))


asyncio.run(main())
