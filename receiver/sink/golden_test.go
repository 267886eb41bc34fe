// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// golden compares with a file in testdata; with CULPRIT_UPDATE=1 it writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("CULPRIT_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// story is a message with two causes, whose labels need escaping, at a fixed time.
func story() Message {
	at := time.Date(2026, 11, 22, 4, 46, 57, 367e6, time.UTC)
	m := explained(model.LabelSet{"alertname": "HighErrorRatio", "service": "cart", "severity": "page"})
	m.Report.ID, m.Report.URL = "rstory", "http://culprit.example/reports/rstory?a=1&b=2"
	m.Report.Onset, m.Report.CreatedAt, m.Report.Alert.StartsAt = at, at.Add(3*time.Second), at.Add(4*time.Second)
	m.Report.Rule, m.Report.Grafana = "checkout errors", report.Place{DashboardUID: "svc-checkout", PanelID: 2}
	m.Report.Result.Change = &analysis.Change{Target: "error ratio", Forecast: 0.01, Actual: 0.12, Rising: true}
	m.Report.Result.Causes = []analysis.Finding{
		{
			Rank: 1, Kind: analysis.KindLabels, Labels: []map[string]string{{"path": `/pay<b>"[x]`, "version": "v2&3"}}, Name: "path,version",
			Share: 0.82, Score: 0.6, Confidence: analysis.High, Method: "adtributor", Explains: []string{"error ratio"},
		},
		{
			Rank: 2, Kind: analysis.KindSeries, Series: `db_connections{pod="cart-db-0"}`, Name: `db_connections{pod="cart-db-0"}`,
			Share: 0.4, Score: 3.5, Confidence: analysis.Medium, Method: "rank", Explains: []string{"error ratio"},
			Evidence: analysis.Evidence{Before: new(20.0), After: new(100.0)},
		},
	}
	m.Report.Summary = m.Report.Line()
	m.Incident = report.Open("{}:{alertname=\"HighErrorRatio\"}", at, "http://culprit.example").Merge([]report.Report{m.Report}, at.Add(3*time.Second))
	m.Report.Incident = m.Incident.ID
	return m
}

// resolved is the same message after the end of the alert and its incident.
func resolved(m Message) Message {
	end := m.Report.Onset.Add(12*time.Minute + 5*time.Second)
	m.Report.ResolvedAt, m.Resolved = &end, true
	m.Incident = m.Incident.Merge([]report.Report{m.Report}, end)
	return m
}

func TestTheTextsAreThoseOfTheGoldenFiles(t *testing.T) {
	m := story()
	var b strings.Builder
	annotations := annotationsOf(m)
	for _, name := range ours() {
		if text := string(annotations[name]); text != "" {
			b.WriteString(string(name) + ": " + strings.ReplaceAll(text, "\n", "\n    ") + "\n")
		}
	}
	golden(t, "annotations.txt", b.String())
	golden(t, "silence.txt", withBlock("ACK! known, see OPS-1", blockOf(m))+"\n")
	golden(t, "grafana.html", grafanaText(m)+"\n\n"+grafanaText(resolved(m))+"\n\n"+strings.Join(grafanaTags(m), "\n")+"\n")

	note, err := json.MarshalIndent(noteOf(m, m.Report.CreatedAt), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "note.json", string(note)+"\n")

	payload := payloadOf(m)
	payload.SentAt, payload.IdempotencyKey = m.Report.CreatedAt, "5f70bf18a086007016e948b04aed3b82"
	body, err := payload.encode()
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "webhook.json", indented.String()+"\n")
}
