// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// webLoad is the everyday load of HAProxy.
func (f *field) webLoad(ctx context.Context) {
	client := &http.Client{Timeout: 5 * time.Second}
	get := func(server, path string) {
		resp, err := client.Get(f.url(server) + path)
		if err == nil {
			_ = resp.Body.Close()
		} // it may be down, which is a fault
	}
	order := []string{"/", "/search", "/", "/cart", "/search", "/", "/checkout", "/search", "/cart", "/"}
	for n := 0; sleep(ctx, 60*time.Millisecond) == nil; n++ {
		go get("haproxy-shop", order[n%len(order)])
		if n%5 == 0 {
			go get("haproxy-reports", order[n/5%len(order)])
		}
	}
}

// breakService injects faults into a service; "" removes them.
func (f *field) breakService(ctx context.Context, name, how string) error {
	values, err := url.ParseQuery(how)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url(name)+"/-/break?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("break %s: %s", name, resp.Status)
	}
	return nil
}

// ill breaks services in one way, and its mend repairs them.
func ill(how string, names ...string) (harm, mend func(context.Context, *field) error) {
	all := func(how string) func(context.Context, *field) error {
		return func(ctx context.Context, f *field) (err error) {
			for _, name := range names {
				err = errors.Join(err, f.breakService(ctx, name, how))
			}
			return err
		}
	}
	return all(how), all("")
}

// dead kills services and restarts them.
func dead(names ...string) (harm, mend func(context.Context, *field) error) {
	all := func(do func(*field, string) error) func(context.Context, *field) error {
		return func(_ context.Context, f *field) (err error) {
			for _, name := range names {
				err = errors.Join(err, do(f, name))
			}
			return err
		}
	}
	return all((*field).kill), all((*field).service)
}

// edgeFaults returns the faults of HAProxy and of the probed sites.
func edgeFaults() []fault {
	noBackends := fault{
		name: "no-backends", lane: "edge", alert: "HaproxyHasNoAliveBackends", did: "both servers of the proxy reports are killed",
		truth: truth{labels: map[string]string{"proxy": "reports"}, implied: map[string]string{"instance": "edge-1", "job": "haproxy"}, series: `reports`},
	}
	noBackends.harm, noBackends.mend = dead("reports-1", "reports-2")
	errs := fault{
		name: "errors", lane: "edge", alert: "HaproxyHighHttp5xxErrorRateBackend", did: "half of the answers of reports-2 are errors",
		truth: truth{labels: map[string]string{"proxy": "reports", "server": "reports-2"}, implied: map[string]string{"code": "5xx", "instance": "edge-1", "job": "haproxy"}, series: `reports|5xx`},
	}
	errs.harm, errs.mend = ill("path=/search&errors=1", "reports-2")
	probe := fault{
		name: "probe-failed", lane: "edge", alert: "BlackboxProbeFailed", did: "the probed service partner is killed",
		truth: truth{labels: map[string]string{"instance": "partner"}, implied: map[string]string{"job": "blackbox"}, series: `^probe.*partner`},
	}
	probe.harm, probe.mend = dead("partner")
	slow := fault{
		name: "probe-slow", lane: "edge", alert: "BlackboxSlowProbe", did: "the probed service docs takes a second longer",
		truth: truth{labels: map[string]string{"instance": "docs"}, implied: map[string]string{"job": "blackbox", "phase": "processing"}, series: `docs`},
	}
	slow.harm, slow.mend = ill("path=/&delay=1", "docs")
	return []fault{noBackends, errs, probe, slow}
}

// shopFaults returns the faults of the small service.
func shopFaults() []fault {
	shop := map[string]string{"job": "shop"}
	slow := fault{
		name: "slow-path", lane: "shop", alert: "HttpRequestsSlow", did: "the path /checkout of the shop takes 0.8 s longer on all servers",
		truth: truth{labels: map[string]string{"path": "/checkout"}, implied: shop, series: `/checkout`},
	}
	slow.harm, slow.mend = ill("path=/checkout&delay=0.8", "web-1", "web-2", "web-3")
	native := fault{
		name: "slow-server", lane: "shop", alert: "HttpHandlersSlow", did: "the path /search of web-2 takes 0.6 s longer",
		truth: truth{labels: map[string]string{"instance": "web-2", "path": "/search"}, implied: shop, series: `web-2|/search`},
	}
	native.harm, native.mend = ill("path=/search&delay=0.6", "web-2")
	leak := fault{
		name: "leak", lane: "shop", alert: "ProcessMemoryHigh", did: "web-3 leaks 3 MB a second",
		truth: truth{labels: map[string]string{"instance": "web-3"}, implied: shop, series: `web-3`},
	}
	leak.harm, leak.mend = ill("leak=3000000", "web-3")
	down := fault{
		name: "target-down", lane: "shop", alert: "TargetDown", did: "web-1 is killed",
		truth: truth{labels: map[string]string{"instance": "web-1"}, implied: shop, series: `web-1`},
		of:    shop,
	}
	down.harm, down.mend = dead("web-1")
	absent := fault{
		name: "absent", lane: "shop", alert: "PrometheusJobMissing", did: "worker-1 is killed and forgotten by service discovery",
		truth: truth{labels: map[string]string{"instance": "worker-1"}, implied: map[string]string{"job": "worker"}, series: `worker-1`},
		harm:  func(_ context.Context, f *field) error { return errors.Join(f.kill("worker-1"), f.worker(false)) },
		mend:  func(_ context.Context, f *field) error { return errors.Join(f.service("worker-1"), f.worker(true)) },
	}
	return []fault{slow, native, leak, down, absent}
}
