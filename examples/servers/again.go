// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// againConfig configures Prometheus over the data of a run: with the rules, without scraping.
const againConfig = "rule_files: [rules.yml]\n"

// again explains the alert of every report of an earlier run once more, with the current culprit
// and the old data.
func again(ctx context.Context, o options, say func(string, ...any)) (lines []line, err error) {
	f := &field{dir: o.dir, addresses: map[string]string{}, lastPort: startOfPorts(), options: o, say: say}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.dir, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	if f.options.culprit == "" {
		dir, err := os.MkdirTemp("", "culprit-servers-")
		if err != nil {
			return nil, err
		}
		f.onClose(func() error { return os.RemoveAll(dir) })
		if f.options.culprit, err = lab.BuildCulprit(ctx, dir); err != nil {
			return nil, err
		}
	}
	server := o.ask
	if server == "" {
		if server, err = f.past(ctx); err != nil {
			return nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(f.dir, "reports", "*.json"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s has no reports\nhint: it must be the --dir of an earlier run", f.dir))
	}
	times := map[string]int{}
	for _, file := range files {
		l, ok := lineOf(file)
		if !ok || !slices.Contains(o.only, l.fault.name) {
			continue
		}
		times[l.rule+l.fault.name]++
		l.time = times[l.rule+l.fault.name]
		l.read(f.explain(ctx, server, l.rule, file, &l.at))
		lines = append(lines, l)
	}
	return lines, nil
}

// past starts Prometheus over the data of a run.
func (f *field) past(ctx context.Context) (string, error) {
	if err := os.WriteFile(filepath.Join(f.dir, "again.yml"), []byte(againConfig), 0o644); err != nil {
		return "", err
	}
	listen, err := f.at("prometheus")
	if err != nil {
		return "", err
	}
	if _, err := f.start("again", find(f.options.prometheus), "--config.file=again.yml", "--storage.tsdb.path=tsdb",
		"--storage.tsdb.retention.time=10y", "--web.listen-address="+listen); err != nil {
		return "", err
	}
	for range 120 {
		if resp, err := http.Get(f.url("prometheus") + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return f.url("prometheus"), nil
			}
		}
		if err := sleep(ctx, time.Second); err != nil {
			return "", err
		}
	}
	return "", errors.New("Prometheus is not ready over the data of the run\nhint: its log is again.log in the folder logs")
}

// lineOf takes fault and culprit from the name of a report's file.
func lineOf(file string) (l line, ok bool) {
	_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
	cut := strings.LastIndexByte(name, '-')
	if cut < 0 {
		return l, false
	}
	l.rule = name[cut+1:]
	for _, x := range faults() {
		if x.name == name[:cut] {
			l.fault = x
			return l, true
		}
	}
	return l, false
}

// explain explains the alert of a report, at the time of the report.
func (f *field) explain(ctx context.Context, server, rule, file string, at *time.Time) (r report.Report, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	var then report.Report
	if err := json.Unmarshal(raw, &then); err != nil {
		return r, err
	}
	*at = then.CreatedAt
	args := []string{"explain", "--format=json", "--prometheus.url=" + server, "--config.file=" + filepath.Join(f.dir, rule+".yml"), "--at=" + then.CreatedAt.Format(time.RFC3339Nano)}
	for name, value := range then.Alert.Labels {
		args = append(args, fmt.Sprintf("%s=%q", name, value))
	}
	cmd := exec.CommandContext(ctx, f.options.culprit, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, errs.String())
	}
	return r, json.Unmarshal(out, &r)
}
