// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnIllegalKeyIsNeverSent(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k, ctx := bucket(t, b, "reports", time.Hour), deadline(t)
	before := b.link.Load()
	for name, key := range map[string]string{
		"long":            strings.Repeat("x", 4060),
		"long if escaped": strings.Repeat("!", 1400),
		"endless":         strings.Repeat("x", 1<<20),
	} {
		if _, err := k.Get(ctx, key); !errors.Is(err, ErrNotFound) || !errors.Is(err, ErrKey) || len(err.Error()) > 300 {
			t.Errorf("%s: Get: %v", name, err)
		}
		_, put := k.Put(ctx, key, nil)
		_, create := k.Create(ctx, key, nil)
		_, update := k.Update(ctx, key, nil, 1)
		for op, err := range map[string]error{
			"Put": put, "Create": create, "Update": update, "Delete": k.Delete(ctx, key), "Publish": b.Publish(ctx, key, nil),
		} {
			if !errors.Is(err, ErrKey) || errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %s: %v", name, op, err)
			}
		}
	}
	if b.link.Load() != before || before.conn.IsClosed() || before.conn.Reconnects > 0 {
		t.Error("the connection has ended")
	}
	longest := strings.Repeat("x", MaxKey)
	put(t, k, longest, "1")
	if e, err := k.Get(ctx, longest); err != nil || string(e.Value) != "1" {
		t.Errorf("the longest key: %v", err)
	}
}

// The server closes the connection of a client that violates the protocol, and the client library
// does not reconnect after that.
func TestALinkThatHasEndedIsMadeAgain(t *testing.T) {
	for name, end := range map[string]func(b *Broker){
		"by a mistake of the protocol": func(b *Broker) { _ = b.link.Load().conn.Publish(strings.Repeat("x", 5000), nil) },
		"by the server":                func(b *Broker) { _ = b.server.Load().DisconnectClientByID(clientID(t, b)) },
		"by the client":                func(b *Broker) { b.link.Load().conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{Logger: testLog(t), RetryMin: 10 * time.Millisecond})
			k := bucket(t, b, "reports", time.Hour)
			put(t, k, "before", "1")
			w := watch(t, k)
			jobs := consumeIDs(t, b)
			publish(t, b, 1)
			await(t, jobs, "job-0")
			end(b)
			eventually(t, "a job is taken", func() bool { return b.Publish(t.Context(), "after", nil) == nil })
			await(t, jobs, "after")
			eventually(t, "an entry is taken", func() bool { _, err := k.Put(t.Context(), "after", []byte("2")); return err == nil })
			eventually(t, "the watcher", func() bool { return fmt.Sprint(w.state()) == "map[after:2 before:1]" })
			if err := b.Healthy(); err != nil {
				t.Error(err)
			}
		})
	}
}

// clientID is the server's ID of the broker's client.
func clientID(t *testing.T, b *Broker) uint64 {
	t.Helper()
	id, err := b.link.Load().conn.GetClientID()
	if err != nil {
		t.Error(err)
	}
	return id
}

func TestAStreamThatWasDeletedIsMadeAgain(t *testing.T) {
	for _, name := range []string{streamName, "KV_reports"} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{Logger: testLog(t), RetryMin: 10 * time.Millisecond})
			k := bucket(t, b, "reports", time.Hour)
			put(t, k, "before", "1")
			w := watch(t, k)
			jobs := consumeIDs(t, b)
			if err := b.link.Load().js.DeleteStream(deadline(t), name); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a job is taken", func() bool { return b.Publish(t.Context(), "after", nil) == nil })
			await(t, jobs, "after")
			eventually(t, "an entry is taken", func() bool { _, err := k.Put(t.Context(), "after", []byte("2")); return err == nil })
			eventually(t, "the watcher is told", func() bool { return w.state()["after"] == "2" })
			eventually(t, "health", func() bool { return b.Healthy() == nil })
		})
	}
}

// consumeIDs sends the ids of the handled jobs.
func consumeIDs(t *testing.T, b *Broker) <-chan string {
	t.Helper()
	ids := make(chan string, 100)
	consume(t, b, 1, func(_ context.Context, job Job) error { ids <- job.ID; return nil })
	return ids
}

// await waits for a job, ignoring others.
func await(t *testing.T, ids <-chan string, want string) {
	t.Helper()
	for ctx := deadline(t); ; {
		select {
		case id := <-ids:
			if id == want {
				return
			}
		case <-ctx.Done():
			t.Fatalf("job %s never came", want)
		}
	}
}
