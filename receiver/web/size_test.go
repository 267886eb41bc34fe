// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/receiver/report"
)

// How large the page of a rich report may be, in bytes: as it is, and as it is sent to
// a browser, which takes it packed. The style sheet is fetched once for all pages.
const (
	mostPage  = 60 << 10
	mostSent  = 12 << 10
	mostStyle = 14 << 10
)

// rich is a report that has much of everything: lines with all their points, seven
// causes, six labels with more values than are shown, 20 queries, changes, others.
func rich(t testing.TB) report.Report {
	r := example(t)
	name := func(i int) string {
		return fmt.Sprintf(`container cpu{namespace="shop", pod="checkout-6f7d8c9b5-%05d", container="app"}`, i)
	}
	first := r.Charts[0].Times[0]
	r.Charts = r.Charts[:1]
	r.Result.Causes = r.Result.Causes[:1]
	for k := range 6 {
		c := report.Chart{Name: name(k)}
		for i := range 240 {
			v := math.Abs(100*math.Sin(float64(i*(k+3)))) + 1000*float64(i/220)
			c.Times, c.Values = append(c.Times, first+float64(i)*2700/239), append(c.Values, &v)
		}
		if k == 0 {
			c.Name, r.Charts = r.Charts[0].Name, nil
		}
		r.Charts = append(r.Charts, c)
	}
	cause := example(t).Result.Causes[1]
	for k := range 6 {
		f := cause
		f.Rank, f.Series, f.Name = k+2, name(k+1), name(k+1)
		f.Confidence = analysis.High
		if k > 2 {
			f.Confidence = analysis.Low
		}
		r.Result.Causes = append(r.Result.Causes, f)
	}
	dim := r.Result.Dimensions[0]
	r.Result.Dimensions = nil
	for k := range 6 {
		d := dim
		d.Label, d.Elements = fmt.Sprintf("label_%d", k), nil
		for i := range 30 {
			e := dim.Elements[0]
			e.Value = fmt.Sprintf("/api/v1/orders/%d/items", i)
			d.Elements = append(d.Elements, e)
		}
		r.Result.Dimensions = append(r.Result.Dimensions, d)
	}
	for k := range 12 {
		r.Plan.Queries = append(r.Plan.Queries, report.Query{
			Role: report.RoleCandidate, Name: fmt.Sprintf("node filesystem %d", k),
			Query: `sum by (instance, mountpoint) (rate(node_disk_read_time_seconds_total{namespace="shop", service="checkout"}[2m]))`,
		})
	}
	c := &analysis.Changes{Before: 1}
	for k := range 8 {
		c.Later = append(c.Later, changes.Change{At: first + float64(200*k), Title: "deployment checkout was rolled out", From: "v41", To: "v42", Labels: map[string]string{"service": "checkout"}})
	}
	r.Result.Changes = c
	for k := range 6 {
		r.Others = append(r.Others, report.OtherAlert{Alert: "CartLatencyHigh", At: r.Onset, Report: idOf(fmt.Sprint("o", k)), Summary: r.Summary})
	}
	return r
}

func TestThePageOfARichReportIsSmall(t *testing.T) {
	r := rich(t)
	opts, _ := asking(t, memory{reports: []report.Report{r}})
	opts.Explainer = &looks{}
	h := New(opts)
	whole := get(t, h, "/reports/"+r.ID).Body
	if n := whole.Len(); n > mostPage {
		t.Errorf("%d bytes, and %d at most", n, mostPage)
	}
	if n := get(t, h, "/static/style.css").Body.Len(); n > mostStyle {
		t.Errorf("a style sheet of %d bytes, and %d at most", n, mostStyle)
	}
	ask := httptest.NewRequest(http.MethodGet, "/reports/"+r.ID, nil)
	ask.Header.Set("Accept-Encoding", "br, gzip;q=0.8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, ask)
	if n := w.Body.Len(); n > mostSent || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%d bytes are sent, and %d at most", n, mostSent)
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(z); err != nil || !bytes.Equal(unpacked, whole.Bytes()) {
		t.Errorf("%d bytes unpacked of %d: %v", len(unpacked), whole.Len(), err)
	}
}

func TestOnlyWhoTakesAPackedPageGetsOne(t *testing.T) {
	for accepts, packed := range map[string]bool{"": false, "gzip": true, "deflate, gzip": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false, "gzip;q=1.0": true} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", accepts)
		if packs(r) != packed {
			t.Errorf("%q: %v", accepts, packs(r))
		}
	}
}
