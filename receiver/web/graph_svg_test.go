// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

func TestAGraphStandsByItself(t *testing.T) {
	var svg bytes.Buffer
	if err := WriteGraph(&svg, example(t).Result); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg.String())
	for _, want := range []string{`xmlns="http://www.w3.org/2000/svg"`, ".node.target rect", `class="way"`, "<style>"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the drawing lacks %s:\n%s", want, svg.String())
		}
	}
}

func TestAGraphWithoutLinksIsADrawingThatSaysSo(t *testing.T) {
	var svg bytes.Buffer
	if err := WriteGraph(&svg, analysis.Result{}); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg.String())
	if !strings.Contains(svg.String(), "No links") {
		t.Errorf("it says %s", svg.String())
	}
}

func TestNamesInAGraphAreText(t *testing.T) {
	bad := `</title><script>alert("x")</script>&]]>`
	res := analysis.Result{Graph: analysis.Graph{
		Nodes: []analysis.Node{{Name: "kpi", Role: "target"}, {Name: bad}},
		Edges: []analysis.Edge{{From: bad, To: "kpi", Directed: true, Weight: 1}},
	}}
	var svg bytes.Buffer
	if err := WriteGraph(&svg, res); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg.String())
	if strings.Contains(svg.String(), "<script") {
		t.Errorf("a name became an element:\n%s", svg.String())
	}
}

// wellFormed parses a drawing as strictly as an image viewer.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
	}
}
