// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

const exportHelp = `Write reports as cases that can be replayed.

  culprit export --culprit.url http://culprit:9798 > cases.json
  culprit replay --case cases.json --prometheus.url http://prometheus:9090

A case contains a report's alert, culprit's answer, people's feedback on it, and the changes that were reported around that time.
Without ids, the newest 1,000 reports with feedback are written. Cases go to stdout, one per line.`

// exportTimeout and exportBytes limit one request.
const (
	exportTimeout = 30 * time.Second
	exportBytes   = 256 << 20
	exportMost    = 1000 // newest reports with feedback
)

type exportOptions struct {
	url string
	ids []string
}

func addExport(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("export", exportHelp)
	o := &exportOptions{}
	cmd.Arg("report", "Ids of reports; none: the newest 1,000 that people have judged.").StringsVar(&o.ids)
	cmd.Flag("culprit.url", "Address of the daemon. It may contain a user and password for basic auth.").Default("http://127.0.0.1:9798").PlaceHolder("URL").StringVar(&o.url)
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return o.run(ctx, s) }
}

func (o *exportOptions) run(ctx context.Context, s streams) error {
	base, err := url.Parse(o.url)
	if err != nil || base.Host == "" {
		return usageError{errors.New("--culprit.url is not an address; hint: write it as http://culprit:9798")}
	}
	for _, id := range o.ids {
		if !report.ValidID(id) {
			return usageError{fmt.Errorf("%q is not a report id; hint: copy what follows /reports/ in its address", id)}
		}
	}
	reports, err := o.reports(ctx, base)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(s.out)
	for _, r := range reports {
		c := report.ReplayCaseOf(r)
		if c.Changes, err = o.changes(ctx, base, c); err != nil {
			return err
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.err, "%s\n", number(len(reports), "case"))
	if len(o.ids) == 0 && len(reports) == exportMost {
		fmt.Fprintf(s.err, "note: these are the newest; older ones that people have judged are left out; hint: name them by their ids\n")
	}
	return nil
}

// reports reads the requested reports.
func (o *exportOptions) reports(ctx context.Context, base *url.URL) ([]report.Report, error) {
	if len(o.ids) == 0 {
		var list []report.Report
		err := get(ctx, base, "api/v1/reports", url.Values{"judged": {"true"}, "limit": {fmt.Sprint(exportMost)}}, &list)
		return list, err
	}
	list := make([]report.Report, len(o.ids))
	for i, id := range o.ids {
		if err := get(ctx, base, "api/v1/reports/"+id, nil, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// exportBefore is how long before a case's onset changes are exported: longer than culprit looks
// for them.
const exportBefore = 6 * time.Hour

// changes reads the reported changes around a case.
func (o *exportOptions) changes(ctx context.Context, base *url.URL, c report.ReplayCase) (events []changes.Change, err error) {
	from := c.Onset
	if from.IsZero() {
		from = c.Alert.StartsAt
	}
	var list []changelog.Change
	err = get(ctx, base, "api/v1/changes", url.Values{
		"from": {from.Add(-exportBefore).Format(time.RFC3339)}, "to": {c.At.Format(time.RFC3339)}, "limit": {"1000"},
	}, &list)
	for _, one := range slices.Backward(list) {
		events = append(events, one.Event())
	}
	return events, err
}

// get reads JSON from a daemon.
func get(ctx context.Context, base *url.URL, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	u := base.JoinPath(path)
	whole := u.Query() // of the URL, as a proxy may need it
	maps.Copy(whole, query)
	u.RawQuery = whole.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var of *url.Error // contains the URL and its secrets
		if errors.As(err, &of) {
			err = of.Err
		}
		return fmt.Errorf("culprit at %s does not answer: %w; hint: name it with --culprit.url", base.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("culprit at %s answers %s to %s: %s", base.Host, resp.Status, path, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, exportBytes)).Decode(into); err != nil {
		return fmt.Errorf("the answer of culprit at %s to %s can't be read: %w", base.Host, path, err)
	}
	return nil
}
