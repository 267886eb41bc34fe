// SPDX-License-Identifier: Apache-2.0

// Package document generates the OpenAPI document of the HTTP API and the types of its Go client,
// from a table of operations and the Go types of their bodies.
//
// Only the generator and tests use it. The daemon contains just the text.
package document

import (
	"bytes"
	"context"
	encoder "encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// Files returns the generated files, by path relative to the root of the repository.
func Files(root string) (map[string][]byte, error) {
	notes, err := notesOf(root)
	if err != nil {
		return nil, err
	}
	doc, err := newMaker(newSchemas(notes)).document()
	if err != nil {
		return nil, err
	}
	text, err := encoder.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, err
	}
	files, err := clientTypes(notes)
	if err != nil {
		return nil, err
	}
	files["receiver/openapi/openapi.json"] = append(text, '\n')
	return files, Check(text)
}

// Check validates the text of a document.
func Check(text []byte) error {
	doc, err := openapi3.NewLoader().LoadFromData(bytes.TrimSpace(text))
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	return doc.Validate(context.Background())
}

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }

// maker builds the document.
type maker struct {
	schemas *schemas
	doc     *openapi3.T
}

func newMaker(s *schemas) *maker {
	return &maker{schemas: s, doc: &openapi3.T{
		OpenAPI: "3.0.3",
		Info: &openapi3.Info{
			Title: "culprit", Version: "v1", License: &openapi3.License{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0"},
			Description: "Tells every Prometheus alert what caused it. Every GET also answers HEAD. A query string has at most 2 KiB. Fields may be added to answers at any time.",
		},
		Servers: openapi3.Servers{{URL: "../..", Description: "where this document is"}},
		Paths:   openapi3.NewPaths(),
		Tags: openapi3.Tags{
			{Name: reading, Description: "what was found"},
			{Name: telling, Description: "what others tell culprit"},
			{Name: assistants, Description: "what assistants ask, by a protocol of their own"},
			{Name: pages, Description: "what people see"},
			{Name: operations, Description: "of the process"},
		},
		Security: openapi3.SecurityRequirements{{}, {"basic": {}}},
		Components: &openapi3.Components{
			Schemas: s.components, Responses: openapi3.ResponseBodies{},
			SecuritySchemes: openapi3.SecuritySchemes{
				"basic": {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("basic").WithDescription("if `--web.config.file` names users; a token may be sent as the password")},
				"token": {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer").WithDescription("if the configuration names the file of a token")},
			},
		},
	}}
}

func (m *maker) document() (*openapi3.T, error) {
	if err := m.common(); err != nil {
		return nil, err
	}
	for _, op := range table() {
		made, err := m.operation(op)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.id, err)
		}
		m.doc.AddOperation(op.path, op.method, made)
	}
	m.doc.Components.Schemas["Moment"] = &openapi3.SchemaRef{Value: openapi3.NewOneOfSchema(openapi3.NewDateTimeSchema(), openapi3.NewFloat64Schema())}
	m.doc.Components.Schemas["Moment"].Value.Description = "RFC 3339, or Unix seconds."
	return m.doc, nil
}

// common adds the answers that any operation may give.
func (m *maker) common() error {
	for name, a := range map[string]answer{
		"Unauthorized":    {means: "credentials are missing or wrong (`--web.config.file`, `token_file`)", either: true},
		"CrossSite":       fails("a page of another site has made a browser send it"),
		"TooManyRequests": says("more requests than `rate_limit` of `--web.config.file` allows"),
		"Unavailable":     {means: "culprit starts, is not ready, or has too much to do: try again after `Retry-After`", either: true},
		"MediaType":       fails("a form's media type: send `application/json`"),
		"Broken":          {means: "the store can't be read", either: true},
	} {
		made, err := m.answer(a)
		if err != nil {
			return err
		}
		m.doc.Components.Responses[name] = &openapi3.ResponseRef{Value: made}
	}
	return nil
}

func plain() *openapi3.MediaType {
	return openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema())
}

// operation converts an operation of the table.
func (m *maker) operation(op operation) (*openapi3.Operation, error) {
	made := &openapi3.Operation{OperationID: op.id, Summary: op.summary, Tags: []string{op.tag}, Responses: openapi3.NewResponsesWithCapacity(len(op.answers))}
	for _, p := range inPath(op.path) {
		made.AddParameter(p)
	}
	for _, p := range op.params {
		made.AddParameter(p.parameter())
	}
	if op.guard != "" {
		made.Security = &openapi3.SecurityRequirements{{}, {"basic": {}}, {"token": {}}}
		made.Description = "The token is that of `" + op.guard + "`."
	}
	if len(op.takes) > 0 {
		made.RequestBody = &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).WithContent(openapi3.Content{})}
		for _, c := range op.takes {
			body, err := m.content(c)
			if err != nil {
				return nil, err
			}
			made.RequestBody.Value.Content[c.mediaType()] = body
		}
	}
	for status, a := range op.answers {
		answered, err := m.answer(a)
		if err != nil {
			return nil, err
		}
		made.AddResponse(status, answered)
	}
	for status, name := range op.commonAnswers() {
		if made.Responses.Status(status) == nil {
			made.Responses.Set(strconv.Itoa(status), &openapi3.ResponseRef{Ref: "#/components/responses/" + name})
		}
	}
	return made, nil
}

// commonAnswers are the answers of an operation that are not its own.
func (op operation) commonAnswers() map[int]string {
	common := map[int]string{http.StatusUnauthorized: "Unauthorized", http.StatusTooManyRequests: "TooManyRequests", http.StatusServiceUnavailable: "Unavailable"}
	if op.method != http.MethodGet {
		common[http.StatusForbidden], common[http.StatusUnsupportedMediaType] = "CrossSite", "MediaType"
	}
	if op.loads {
		common[http.StatusInternalServerError] = "Broken"
	}
	return common
}

func (m *maker) answer(a answer) (*openapi3.Response, error) {
	made := openapi3.NewResponse().WithDescription(a.means)
	if a.next {
		made.Headers = openapi3.Headers{"Link": {Value: &openapi3.Header{Parameter: openapi3.Parameter{
			Description: "if there are more: the address of the next, older part with `rel=\"next\"`", Schema: openapi3.NewStringSchema().NewRef(),
		}}}}
	}
	switch {
	case a.either:
		refusal, err := m.content(fails("").content)
		made.Content = openapi3.Content{"application/json": refusal, "text/plain": plain(), "text/html": plain()}
		return made, err
	case a.content == (content{}):
		return made, nil
	}
	body, err := m.content(a.content)
	made.Content = openapi3.Content{a.content.mediaType(): body}
	return made, err
}

func (c content) mediaType() string {
	if c.media == "" {
		return "application/json"
	}
	return c.media
}

func (m *maker) content(c content) (*openapi3.MediaType, error) {
	switch {
	case c.media == "application/x-www-form-urlencoded":
		return openapi3.NewMediaType().WithSchema(openapi3.NewObjectSchema()), nil
	case c.of == nil:
		return plain(), nil
	case c.of.Kind() == reflect.Interface:
		return openapi3.NewMediaType().WithSchema(&openapi3.Schema{}), nil
	case c.of.Kind() == reflect.Map:
		return openapi3.NewMediaType().WithSchema(openapi3.NewObjectSchema()), nil
	}
	one, err := m.schemas.of(c.of)
	if err != nil || c.also == nil {
		return openapi3.NewMediaType().WithSchemaRef(one), err
	}
	other, err := m.schemas.of(c.also)
	return openapi3.NewMediaType().WithSchema(&openapi3.Schema{OneOf: openapi3.SchemaRefs{one, other}}), err
}
