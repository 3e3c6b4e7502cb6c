// The client of the Go SDK, as program.ts describes it: it does the task and has its person sign in.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

type call struct {
	Tool string         `json:"tool"`
	Args map[string]any `json:"args"`
}

// A client that was registered by hand, and what it has to ask for.
type knownClient struct {
	ID    string `json:"id"`
	Scope string `json:"scope"`
}

type order struct {
	URL         string       `json:"url"`
	RedirectURL string       `json:"redirectUrl"`
	Client      *knownClient `json:"client"`
	Allowed     call         `json:"allowed"`
	Forbidden   call         `json:"forbidden"`
	Privileged  call         `json:"privileged"`
}

type outcome struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

type visit struct {
	Tools      []string `json:"tools"`
	Allowed    outcome  `json:"allowed"`
	Forbidden  outcome  `json:"forbidden"`
	Privileged outcome  `json:"privileged"`
}

func main() {
	var given order
	if err := json.Unmarshal([]byte(os.Args[1]), &given); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: given.URL, OAuthHandler: signIn(given.RedirectURL, given.Client),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	seen := visit{
		Allowed:    try(ctx, session, given.Allowed),
		Forbidden:  try(ctx, session, given.Forbidden),
		Privileged: try(ctx, session, given.Privileged),
	}
	for _, tool := range list.Tools {
		seen.Tools = append(seen.Tools, tool.Name)
	}
	json.NewEncoder(os.Stdout).Encode(seen)
}

func signIn(redirectURL string, known *knownClient) auth.OAuthHandler {
	answers := bufio.NewReader(os.Stdin)
	config := &auth.AuthorizationCodeHandlerConfig{
		RedirectURL: redirectURL,
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName: "Go SDK", RedirectURIs: []string{redirectURL}, TokenEndpointAuthMethod: "none",
			},
		},
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			fmt.Println("authorize", args.URL)
			line, err := answers.ReadString('\n')
			if err != nil {
				return nil, err
			}
			back, err := url.Parse(strings.TrimSpace(line))
			if err != nil {
				return nil, err
			}
			query := back.Query()
			if query.Has("error") {
				return nil, fmt.Errorf("%s: %s", query.Get("error"), query.Get("error_description"))
			}
			return &auth.AuthorizationResult{Code: query.Get("code"), State: query.Get("state"), Iss: query.Get("iss")}, nil
		},
	}
	if known != nil {
		config.PreregisteredClient = &oauthex.ClientCredentials{ClientID: known.ID}
		config.ScopeFilter = func(discovered []string) []string {
			if len(discovered) > 0 {
				return discovered
			}
			return strings.Fields(known.Scope)
		}
	}
	handler, err := auth.NewAuthorizationCodeHandler(config)
	if err != nil {
		log.Fatal(err)
	}
	return handler
}

func try(ctx context.Context, session *mcp.ClientSession, wanted call) outcome {
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: wanted.Tool, Arguments: wanted.Args})
	if err != nil {
		return outcome{"refused", err.Error()}
	}
	var texts []string
	for _, content := range result.Content {
		if text, ok := content.(*mcp.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	kind := "answered"
	if result.IsError {
		kind = "refused"
	}
	return outcome{kind, strings.Join(texts, "\n")}
}
