// SPDX-License-Identifier: Apache-2.0

// Screens takes the screenshots of culprit's pages in this directory: it runs the demo, opens the
// pages of the incident in Chromium, and writes a PNG for each.
//
//	go run ./examples/screens                # all of them, into examples/screens
//	go run ./examples/screens --dir /tmp/s   # elsewhere, to look at a change
//
// It needs Chromium or Chrome, and about a minute once the demo is compiled.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

func main() {
	app := kingpin.New("screens", "Makes the pictures of culprit's pages.")
	dir := app.Flag("dir", "Where the pictures go.").Default("examples/screens").ExistingDir()
	kingpin.MustParse(app.Parse(os.Args[1:]))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// run runs the demo for as long as the pictures take.
func run(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	demo, err := buildDemo(ctx, "--fault", "drop", "--group-wait", "5s", "--web.listen-address", address)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(demo.Path) }() // in the directory for temporary files
	demo.Cancel = func() error { return demo.Process.Signal(os.Interrupt) }
	demo.WaitDelay = 20 * time.Second
	if err := demo.Start(); err != nil {
		return err
	}
	defer func() {
		cancel()
		_ = demo.Wait() // interrupted, and says so
	}()
	base := "http://" + address
	told, err := firstReport(ctx, base)
	if err != nil {
		return err
	}
	return takeAll(ctx, dir, map[string]string{
		"report": base + "/reports/" + told.ID, "list": base + "/", "incident": base + "/incidents/" + told.Incident,
	})
}

// buildDemo builds the demo, as "go run" would not pass on signals.
func buildDemo(ctx context.Context, args ...string) (*exec.Cmd, error) {
	file, err := os.CreateTemp("", "culprit-demo-*")
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", file.Name(), "./examples/demo/play") //nolint:gosec // our own file
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, errors.Join(err, os.Remove(file.Name()))
	}
	demo := exec.CommandContext(ctx, file.Name(), args...) //nolint:gosec // our own file
	demo.Stderr = os.Stderr
	return demo, nil
}

// freeAddress returns an unused local address.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// reported is the part of a report that is read here.
type reported struct {
	ID, Incident string
	Sent         []struct{ OK bool }
}

// firstReport waits for a report that has been sent to a sink, so that the page shows it.
func firstReport(ctx context.Context, base string) (reported, error) {
	for {
		if list, err := reports(ctx, base); err == nil && len(list) > 0 && len(list[0].Sent) > 0 {
			return list[0], nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return reported{}, errors.New("the demo has made no report")
		}
	}
}

func reports(ctx context.Context, base string) (list []reported, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/reports", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return list, json.NewDecoder(resp.Body).Decode(&list)
}

// A screen is one screenshot.
type screen struct {
	page, name string
	width      int64 // CSS pixels
	scale      float64
	dark       bool
}

// screens returns all screenshots: on a phone, as at night, and on a desktop.
func screens() []screen {
	return []screen{
		{"report", "report-phone", 390, 1.5, false},
		{"report", "report-phone-dark", 390, 1, true},
		{"report", "report-desk", 1280, 1, false},
		{"list", "list-phone", 390, 1, false},
		{"incident", "incident-desk", 1280, 1, false},
	}
}

// takeAll takes all screenshots.
func takeAll(ctx context.Context, dir string, pages map[string]string) error {
	path, err := webtest.Path()
	if err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	for _, s := range screens() {
		picture, err := s.take(ctx, pages[s.page])
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		file := filepath.Join(dir, s.name+".png")
		if err := os.WriteFile(file, picture, 0o644); err != nil { //nolint:gosec // a picture for everybody
			return err
		}
		fmt.Printf("%s: %d KB\n", file, len(picture)>>10)
	}
	return nil
}

// mostHeight limits a screenshot: below it are folded lists and details.
const mostHeight = 1600

// take takes one screenshot: the whole page, or mostHeight from its top.
func (s screen) take(ctx context.Context, url string) ([]byte, error) {
	view := func(height int64) chromedp.Action[chromedp.Void] {
		return chromedp.EmulateViewport(s.width, height, chromedp.EmulateScale(s.scale))
	}
	if err := chromedp.Do(ctx, s.scheme(), view(800), chromedp.Navigate(url)); err != nil {
		return nil, err
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, view(min(height, mostHeight))); err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// scheme makes the browser prefer light or dark pages.
func (s screen) scheme() chromedp.Action[chromedp.Void] {
	feature := emulation.MediaFeature{Name: "prefers-color-scheme", Value: "light"}
	if s.dark {
		feature.Value = "dark"
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{&feature}})
		return err
	})
}
