// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// tool answers a call with a line of text and an equivalent object.
type tool func(ctx context.Context, arguments json.RawMessage) (text string, structured any, err error)

// toolOf makes a tool from a typed function.
func toolOf[In, Out any](do func(context.Context, In) (string, Out, error)) tool {
	return func(ctx context.Context, arguments json.RawMessage) (string, any, error) {
		var in In
		if len(arguments) > 0 {
			dec := json.NewDecoder(bytes.NewReader(arguments))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&in); err != nil {
				return "", nil, fmt.Errorf("the arguments can't be read: %w; hint: compare them with the tool's inputSchema", err)
			}
		}
		return do(ctx, in)
	}
}

// result is the answer of a tool. An error is an answer too: the assistant can correct its
// question.
type result struct {
	Content    []content `json:"content"`
	Structured any       `json:"structuredContent,omitempty"`
	IsError    bool      `json:"isError,omitempty"`
}

type content struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// maxError bounds an error, in bytes of JSON.
const maxError = 1 << 10

// call calls a tool when there is a free slot. It ends with the request.
func (s *server) call(ctx context.Context, params json.RawMessage) (any, error) {
	var asked struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal(params, &asked); err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: short(err.Error(), maxError)}
	}
	do, ok := s.tools[asked.Name]
	if !ok {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("no tool is named %.80q; hint: tools/list lists them", asked.Name)}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	text, structured, err := do(ctx, asked.Arguments)
	if err != nil {
		s.Calls.WithLabelValues(asked.Name, "error").Inc()
		return result{Content: []content{{"text", sayError(err)}}, IsError: true}, nil
	}
	s.Calls.WithLabelValues(asked.Name, "ok").Inc()
	return result{Content: []content{{"text", text}}, Structured: structured}, nil
}

// sayError is an error's text with a hint.
func sayError(err error) string {
	text := short(err.Error(), maxError)
	if !strings.Contains(text, "hint: ") {
		text += "; hint: list_reports and get_report read what was found before"
	}
	return text
}
