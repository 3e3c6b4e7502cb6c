// A server of the Go SDK with three tools. Arguments: the transport (http or sse), the port, and whether it is stateless.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type numbers struct {
	A int `json:"a"`
	B int `json:"b"`
}

func main() {
	transport, port, state := os.Args[1], os.Args[2], os.Args[3]
	server := mcp.NewServer(&mcp.Implementation{Name: "interop", Version: "1.0.0"}, nil)
	add(server, "add", func(a, b int) string { return fmt.Sprintf("The sum is %d.", a+b) })
	add(server, "subtract", func(a, b int) string { return fmt.Sprintf("The difference is %d.", a-b) })
	add(server, "divide", func(a, b int) string { return fmt.Sprintf("The quotient is %d.", a/b) })
	choose := func(*http.Request) *mcp.Server { return server }
	var handler http.Handler = mcp.NewSSEHandler(choose, nil)
	if transport == "http" {
		handler = mcp.NewStreamableHTTPHandler(choose, &mcp.StreamableHTTPOptions{Stateless: state == "stateless"})
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, handler))
}

func add(server *mcp.Server, name string, compute func(a, b int) string) {
	tool := &mcp.Tool{Name: name}
	mcp.AddTool(server, tool, func(_ context.Context, _ *mcp.CallToolRequest, given numbers) (*mcp.CallToolResult, any, error) {
		text := compute(given.A, given.B)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
	})
}
