// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"hash/crc32"
	"net/http"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// codeStreamOffline is the error for a stream with a consumer whose settings the server does not
// understand.
const codeStreamOffline jetstream.ErrorCode = 10194

// errAgain requests another try, which finds no consumer.
var errAgain = errors.New("the embedded server was started again")

// forgetConsumer deletes a consumer that the server can't read or update, and reports whether there
// was one. Its files only record deliveries: without them jobs are redelivered, which is harmless;
// with them the start would wait forever.
func (b *Broker) forgetConsumer(ctx context.Context, why error) bool {
	var api *jetstream.APIError
	if b.opt.replicas() > 1 || !errors.As(why, &api) || api.Code == http.StatusServiceUnavailable {
		return false
	}
	dir := b.consumerDir()
	unknown := b.link.Load().js.DeleteConsumer(ctx, streamName, consumerName)
	if _, err := os.Stat(dir); err != nil && unknown != nil || os.RemoveAll(dir) != nil {
		return false
	}
	b.reportForgotten(why)
	return true
}

func (b *Broker) reportForgotten(why error) {
	b.opt.Logger.Error("The record of the queue's deliveries can't be read: files of the storage are damaged. Its jobs are delivered again", "err", why, "directory", b.consumerDir())
}

// consumerDir is where the server records deliveries.
func (b *Broker) consumerDir() string {
	return filepath.Join(b.opt.Dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", streamName, "obs", consumerName)
}

// consumerSum is a checksum of these files. The server has none, and would wait until the year 2200
// for a job whose delivery seems to be due then.
func (b *Broker) consumerSum() uint32 {
	sum := crc32.NewIEEE()
	for _, name := range []string{"meta.inf", "o.dat"} {
		text, _ := os.ReadFile(filepath.Join(b.consumerDir(), name)) // a missing file counts as damaged
		_, _ = sum.Write(text)
	}
	return sum.Sum32()
}

// checkConsumer deletes a consumer whose files have changed since the last run.
func (b *Broker) checkConsumer() error {
	known := b.sequences.marks[streamName]
	if !known.Ended || b.consumerSum() == known.Consumer {
		return nil
	}
	b.reportForgotten(errors.New("the checksum is wrong"))
	return storageError(b.opt.Dir, os.RemoveAll(b.consumerDir()))
}

// replaceServer starts a new server on the directory, and returns when it is usable.
func (b *Broker) replaceServer(ctx context.Context) error {
	old := b.server.Load()
	old.Shutdown()
	old.WaitForShutdown()
	return b.startServer(ctx)
}
