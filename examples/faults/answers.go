// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// mostMemory limits culprit's memory, whatever the answers.
const mostMemory = 400_000_000 // bytes

// answers replaces Prometheus by a server that misbehaves: every alert still gets a report, and
// memory stays bounded.
func answers(ctx context.Context, f *field) error {
	c, err := f.culprit("--log.level=debug")
	if err != nil {
		return err
	}
	if err := f.Servers(ctx, c.Address); err != nil {
		return err
	}
	evil := newEvil()
	f.OnClose(func() error { evil.close(); return nil })
	f.Asked = evil.server.URL
	if err := c.Start(ctx); err != nil {
		return err
	}
	const each = 4
	for i, way := range ways() {
		evil.way.Store(&way)
		if err := f.Raise(ctx, i*each, (i+1)*each); err != nil {
			return err
		}
		f.holds(way.name+": every alert has a report", eventually(ctx, func(ctx context.Context) error {
			return c.oneEach(ctx, (i+1)*each)
		}))
		if way.said != "" {
			f.holds(way.name+": a report says so", c.says(ctx, way.said))
		}
	}
	f.holds("it is healthy after all of that", c.Expect(ctx, "/-/healthy", http.StatusOK, ""))
	if err := c.Process.Stop(); err != nil {
		return err
	}
	peak := c.Process.MaxRSS()
	f.say("  memory at the most: %d MB", peak/1_000_000)
	if peak == 0 {
		return nil // this system doesn't report it
	}
	if peak > mostMemory {
		err = fmt.Errorf("%d MB", peak/1_000_000)
	}
	f.holds(fmt.Sprintf("it takes less than %d MB", mostMemory/1_000_000), err)
	return nil
}

// says checks that a report has a text among its warnings.
func (c *culprit) says(ctx context.Context, text string) error {
	reports, err := c.Reports(ctx)
	if err != nil {
		return err
	}
	for _, r := range reports {
		status, body, err := c.Get(ctx, "/api/v1/reports/"+r.ID)
		if err == nil && status == http.StatusOK && strings.Contains(body, text) {
			return nil
		}
	}
	return errors.New("no report has " + strconv.Quote(text))
}

// way is one kind of misbehaviour.
type way struct {
	name  string
	said  string // in a report; empty: no text of its own
	serve http.HandlerFunc
}

// ways has the worst last: after some of them culprit's breaker opens for a while.
func ways() []way {
	return []way{
		{"answers of 1 GB", "only the first", func(w http.ResponseWriter, r *http.Request) { series(w, r, 1<<30, 0) }},
		{"100,000 series", "prometheus.max_series", func(w http.ResponseWriter, r *http.Request) { series(w, r, 1<<40, 100_000) }},
		{"credentials that are refused", "http_config", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }},
		{"answers that never end", "", trickle},
		{"answers after 30 s", "", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(30 * time.Second):
			case <-r.Context().Done():
			}
		}},
	}
}

// evil is a server in place of Prometheus.
type evil struct {
	server *httptest.Server
	way    atomic.Pointer[way]
}

func newEvil() *evil {
	e := &evil{}
	e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.way.Load().serve(w, r) }))
	return e
}

func (e *evil) close() {
	e.server.CloseClientConnections()
	e.server.Close()
}

// series writes up to most series (0: endless) or up to a number of bytes.
func series(w http.ResponseWriter, r *http.Request, bytes, most int) {
	kind, points := "vector", `"value":[1,"1"]`
	if strings.HasSuffix(r.URL.Path, "query_range") {
		kind, points = "matrix", `"values":[`+strings.TrimSuffix(pointsOf(r), ",")+`]`
	}
	n, _ := fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":[`, kind)
	for i := 0; n < bytes && (most == 0 || i < most); i++ {
		comma := ","
		if i == 0 {
			comma = ""
		}
		more, err := fmt.Fprintf(w, `%s{"metric":{"__name__":"x","instance":"10.0.%d.%d:9100","job":"node","pod":"pod-%d-of-a-long-name"},%s}`, comma, i/250, i%250, i, points)
		if err != nil {
			return // the client hung up
		}
		n += more
	}
	fmt.Fprint(w, "]}}")
}

// pointsOf returns samples on the grid of a range query.
func pointsOf(r *http.Request) string {
	number := func(name string) float64 { x, _ := strconv.ParseFloat(r.FormValue(name), 64); return x }
	var b strings.Builder
	for at, i := number("start"), 0; at <= number("end") && number("step") > 0; at, i = at+number("step"), i+1 {
		fmt.Fprintf(&b, `[%.3f,"%d.%d"],`, at, 20+i%5, i)
	}
	return b.String()
}

// trickle writes all the time and never finishes.
func trickle(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
	for r.Context().Err() == nil {
		if _, err := fmt.Fprint(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		time.Sleep(10 * time.Millisecond)
	}
}
