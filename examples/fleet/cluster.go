// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/lab"
)

// Cluster is three replicas of culprit.
type Cluster []*Culprit

// Cluster chooses addresses and a secret for three replicas.
func (f *Field) Cluster() (Cluster, error) {
	var flags, addresses []string
	for range 3 {
		peer, err := lab.FreeAddress("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, peer)
		flags = append(flags, "--cluster.peer="+peer)
	}
	secret := filepath.Join(f.Dir, "secret")
	if err := os.WriteFile(secret, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		return nil, err
	}
	var all Cluster
	for i, address := range addresses {
		name := fmt.Sprintf("replica-%d", i)
		c, err := f.Culprit(name, slices.Concat(flags, []string{
			"--cluster.node=" + name, "--cluster.listen-address=" + address, "--cluster.secret-file=" + secret,
		})...)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Start starts the replicas at the same time: a single one would wait for the others.
func (c Cluster) Start(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, one := range c {
		all.Go(func() error { return one.Start(ctx) })
	}
	return all.Wait()
}

// Ready fails unless all replicas accept alerts.
func (c Cluster) Ready(ctx context.Context) error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Ready(ctx))
	}
	return errors.Join(errs...)
}

// Addresses returns the replicas' HTTP addresses, host:port.
func (c Cluster) Addresses() (list []string) {
	for _, one := range c {
		list = append(list, one.Address)
	}
	return list
}
