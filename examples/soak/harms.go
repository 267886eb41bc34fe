// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
)

const (
	calmAtLeast = 10 * time.Second // between two harms of a lane
	calmAtMost  = 40 * time.Second
	harmAtLeast = time.Second
	harmAtMost  = 12 * time.Second
)

// harm breaks something for a while and repairs it. It draws all randomness before it acts, so that
// a seed always gives the same draws.
type harm struct {
	name string
	do   func(ctx context.Context, p *pond, d draw) error
}

// draw holds the random parameters of one harm.
type draw struct {
	replica int // any
	mortal  int // one that may be killed: not the witness
	lasts   time.Duration
	coin    bool
}

func drawn(r *rand.Rand) draw {
	return draw{
		replica: r.IntN(3), mortal: r.IntN(witness), coin: r.IntN(2) == 0,
		lasts: harmAtLeast + time.Duration(r.Int64N(int64(harmAtMost-harmAtLeast))),
	}
}

// harmProcesses harms one replica after the other. harmServers harms their surroundings at the same
// time, so that a replica may be killed while a disk is full.
func (p *pond) harmProcesses(ctx context.Context) error {
	return p.harmAll(ctx, 1, []harm{
		{"killed", kill}, {"ended", end}, {"stopped", stop}, {"two stopped", stopTwo}, {"reloaded", reload}, {"reloaded with a mistake", reloadWrong},
	})
}

func (p *pond) harmServers(ctx context.Context) error {
	all := []harm{{"clocks", clocks}, {"the hook hangs", holdHook}}
	for _, name := range []string{"Prometheus", "Alertmanager", "Grafana"} {
		gate := p.gates[name]
		all = append(all, harm{name + " hangs", func(ctx context.Context, _ *pond, d draw) error {
			gate.Hold()
			pause(ctx, d.lasts)
			gate.Pass()
			return nil
		}}, harm{name + " fails", func(ctx context.Context, _ *pond, d draw) error {
			if d.coin {
				gate.Down()
			} else {
				gate.Refuse(http.StatusServiceUnavailable)
			}
			pause(ctx, d.lasts)
			gate.Pass()
			return nil
		}})
	}
	if p.disk != nil {
		all = append(all, harm{"a disk is full", fillDisk})
	}
	return p.harmAll(ctx, 2, all)
}

// harmAll draws harms until the context ends; the current one is repaired before it returns.
func (p *pond) harmAll(ctx context.Context, lane uint64, all []harm) error {
	r := rand.New(rand.NewPCG(p.o.seed, lane))
	for pause(ctx, calmAtLeast+time.Duration(r.Int64N(int64(calmAtMost-calmAtLeast)))) {
		h, d := all[r.IntN(len(all))], drawn(r)
		p.say("  %s, replica %d or %d, %.1f s", h.name, d.replica, d.mortal, d.lasts.Seconds())
		if err := h.do(ctx, p, d); err != nil {
			p.say("  %s: %v", h.name, err)
			p.note(h.name + ": " + err.Error())
		}
		p.mu.Lock()
		p.harms[h.name]++
		p.mu.Unlock()
	}
	return nil
}

func kill(ctx context.Context, p *pond, d draw) error {
	c := p.cluster[d.mortal]
	p.fell(c)
	if err := c.Process.Kill(); err != nil {
		return err
	}
	if d.coin {
		pause(ctx, d.lasts)
	}
	return p.restart(c)
}

func end(ctx context.Context, p *pond, d draw) error {
	c := p.cluster[d.mortal]
	p.fell(c)
	if err := c.Process.Stop(); err != nil && !p.isFull() {
		p.note(c.Name + " ended with: " + err.Error())
	}
	if d.coin {
		pause(ctx, d.lasts)
	}
	return p.restart(c)
}

// fell records a replica that exited by itself.
func (p *pond) fell(c *fleet.Culprit) {
	if !c.Process.Running() {
		p.note(c.Name)
	}
}

func (p *pond) note(fallen string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fallen = append(p.fallen, fallen)
}

// restart restarts a replica as a supervisor does, repeatedly on a full disk, until it is ready.
func (p *pond) restart(c *fleet.Culprit) error {
	return fleet.Eventually(context.Background(), func(ctx context.Context) error {
		if c.Process.Running() {
			return c.Ready(ctx)
		}
		err := c.Start(ctx)
		if err != nil && !p.isFull() {
			p.say("  %s did not start: %v", c.Name, err)
		}
		return err
	})
}

func stop(ctx context.Context, p *pond, d draw) error {
	return p.stopped(ctx, d.lasts, p.cluster[d.replica])
}

// stopTwo leaves no majority.
func stopTwo(ctx context.Context, p *pond, d draw) error {
	return p.stopped(ctx, d.lasts, p.cluster[d.replica], p.cluster[(d.replica+1)%len(p.cluster)])
}

func (p *pond) stopped(ctx context.Context, lasts time.Duration, all ...*fleet.Culprit) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Process.Pause())
	}
	pause(ctx, lasts)
	for _, c := range all {
		errs = append(errs, c.Process.Resume())
	}
	return errors.Join(errs...)
}

// reload has all replicas read a slightly different configuration.
func reload(ctx context.Context, p *pond, d draw) error {
	p.Settings = fmt.Sprintf("recovery_webhooks: [{url: %q}]\n# %s\n", p.hook.URL(), d.lasts)
	if _, err := p.Config(); err != nil {
		return err
	}
	return p.reloadAll(ctx, http.StatusOK)
}

// reloadWrong has them read an invalid one, which they must refuse.
func reloadWrong(ctx context.Context, p *pond, _ draw) error {
	if err := os.WriteFile(filepath.Join(p.Dir, "culprit.yml"), []byte("prometheus: {url: nowhere"), 0o600); err != nil {
		return err
	}
	err := p.reloadAll(ctx, http.StatusInternalServerError)
	_, err2 := p.Config()
	return errors.Join(err, err2)
}

func (p *pond) reloadAll(ctx context.Context, want int) error {
	for _, c := range p.cluster {
		if err := fleet.Eventually(context.WithoutCancel(ctx), func(ctx context.Context) error { return c.Reload(ctx, want) }); err != nil {
			return err
		}
	}
	return nil
}

func holdHook(ctx context.Context, p *pond, d draw) error {
	p.hook.Hold()
	pause(ctx, d.lasts)
	p.hook.Answer()
	return nil
}

// fillDisk fills the disk of the first replica.
func fillDisk(ctx context.Context, p *pond, d draw) error {
	p.setFull(true)
	if err := p.disk.Fill(); err != nil {
		return err
	}
	pause(ctx, d.lasts)
	err := p.disk.Free()
	p.setFull(false)
	return err
}

func (p *pond) setFull(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = full
}

func (p *pond) isFull() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.full
}
