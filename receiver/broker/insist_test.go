// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func refusal(code int, what jetstream.ErrorCode, text string) error {
	return &jetstream.APIError{Code: code, ErrorCode: what, Description: text}
}

// Temporary errors are retried.
func TestWhatPassesIsWaitedFor(t *testing.T) {
	single := start(t, Options{Logger: testLog(t)})
	for _, pass := range []error{
		context.DeadlineExceeded, nats.ErrNoResponders, nats.ErrTimeout, nats.ErrConnectionClosed, jetstream.ErrNoStreamResponse,
		jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount,
		refusal(503, 10008, "JetStream system temporarily unavailable"),
		refusal(503, 10077, "no space left on device"),
		refusal(500, 10049, "could not create storage directory - no space left on device"),
		refusal(500, 10047, "insufficient storage resources available"),
		refusal(500, 10118, "stream is offline"),
		fmt.Errorf("write: %w", syscall.ENOSPC),
	} {
		tries := 0
		err := single.retry(deadline(t), "it", func(context.Context) error {
			if tries++; tries < 3 {
				return fmt.Errorf("it: %w", pass)
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("%v: %d tries, %v", pass, tries, err)
		}
	}
}

// Permanent errors end the wait with their reason.
func TestWhatNeverPassesEndsWithItsReason(t *testing.T) {
	single := start(t, Options{Logger: testLog(t)})
	many := &Broker{opt: Options{Cluster: &ClusterOptions{Replicas: 3}}.withDefaults()}
	many.closing, many.stop = context.WithCancel(t.Context())
	for _, never := range []error{
		jetstream.ErrInvalidBucketName, jetstream.ErrInvalidStreamName, jetstream.ErrInvalidConsumerName,
		refusal(500, 10052, "stream configuration update can not change storage type"),
	} {
		for _, b := range []*Broker{single, many} {
			tries := 0
			err := b.retry(deadline(t), "it", func(context.Context) error { tries++; return fmt.Errorf("it: %w", never) })
			var e *Error
			if !errors.Is(err, never) || tries != 1 || !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("of %d replicas: %d tries, %v", b.opt.replicas(), tries, err)
			}
		}
	}
	bad := refusal(400, 10065, "subjects overlap with an existing stream")
	if !single.permanent(bad) || many.permanent(bad) {
		t.Error("a bad request may pass while a cluster forms, and only then")
	}
}

// Somebody else has created the streams with incompatible settings.
func TestAStreamThatCannotBeBroughtInLineEndsTheStart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	js := b.link.Load().js
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	for _, conf := range []jetstream.StreamConfig{
		{Name: streamName, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy, Storage: jetstream.MemoryStorage},
		{Name: "KV_reports", Subjects: []string{"$KV.reports.>"}, Storage: jetstream.MemoryStorage},
	} {
		if _, err := js.CreateStream(t.Context(), conf); err != nil {
			t.Fatal(err)
		}
	}
	for what, err := range map[string]error{
		"the work queue": b.retry(deadline(t), "the work queue", b.makeQueue),
		"reports":        func() error { _, err := b.Bucket(deadline(t), "reports", 0); return err }(),
		"no name":        func() error { _, err := b.Bucket(deadline(t), "no name", 0); return err }(),
	} {
		var e *Error
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
