// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// drawJSON draws any value, with white space.
func drawJSON(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Float64Range(-1e300, 1e300).Draw(t, "number")
	case 3, 4:
		return rapid.String().Draw(t, "text")
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawJSON(t, depth-1))
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			object[rapid.String().Draw(t, "name")] = drawJSON(t, depth-1)
		}
		return object
	}
}

func TestAValueIsReadToItsEndAndNoFurther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.MarshalIndent(drawJSON(t, 3), "", rapid.SampledFrom([]string{"", " ", "\t"}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		s := newScanner(iotest.OneByteReader(io.MultiReader(bytes.NewReader(text), strings.NewReader(` , "next"`))))
		got, fits, err := s.value(bounds{value: len(text)})
		if err != nil || !fits || !sameJSON(got, text) {
			t.Fatalf("%q is read as %q, %t, %v", text, got, fits, err)
		}
		if c, err := s.next(); c != ',' || err != nil {
			t.Fatalf("after %q comes %q, %v", text, c, err)
		}
	})
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func TestALongTextIsCutAtTheEndOfACharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got, fits, err := newScanner(bytes.NewReader(raw)).value(bounds{value: 1 << 20, text: limit})
		var cut string
		if err != nil || !fits || json.Unmarshal(got, &cut) != nil {
			t.Fatalf("%s is read as %s, %t, %v", raw, got, fits, err)
		}
		if len(raw)-2 <= limit {
			if cut != text {
				t.Fatalf("%q became %q", text, cut)
			}
			return
		}
		begin, _, marked := strings.Cut(cut, cutMark(len(raw)-2))
		if !marked || !strings.HasPrefix(text, begin) || !utf8.ValidString(begin) {
			t.Fatalf("%q became %q", text, cut)
		}
	})
}

func TestInvalidJSONIsAnError(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a" 1}`, `{a:1}`, `{"a":1}}`, `{"a":1 "b":2}`, `]`, `{"a":]}`, `{"a":"b`, `{"a":"b\`, `[1]`} {
		s := newScanner(strings.NewReader(text))
		err := s.object(func(string) error { return s.skip() })
		if err == nil {
			err = s.end()
		}
		if err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// BenchmarkTexts reads annotations of plain text and of escapes: both take a few nanoseconds per
// byte.
func BenchmarkTexts(b *testing.B) {
	for name, piece := range map[string]string{"plain": "errors", "escapes": `\u00e9`} {
		b.Run(name, func(b *testing.B) {
			text := `"` + strings.Repeat(piece, 1<<18) + `"`
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := newScanner(strings.NewReader(text)).skip(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
