// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testSecret contains the special characters of URLs.
const testSecret = "s3cret/@:?#%[]0123456789abcdefghij"

// node is a member of a cluster in this process.
type node struct {
	*Broker
	opt Options
}

// cluster starts three nodes in parallel.
func cluster(t *testing.T) []*node {
	t.Helper()
	addrs := freeAddrs(t, 3)
	var routes []string
	for _, a := range addrs {
		routes = append(routes, "nats://"+a)
	}
	nodes := make([]*node, 3)
	var all sync.WaitGroup
	for i := range nodes {
		opt := fast(t)
		opt.Dir = t.TempDir()
		opt.Cluster = &ClusterOptions{Node: fmt.Sprintf("node-%d", i), Listen: addrs[i], Routes: routes, Secret: testSecret, Replicas: 3}
		nodes[i] = &node{opt: opt}
		all.Go(func() { nodes[i].start(t) })
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return nodes
}

func (n *node) start(t *testing.T) {
	var err error
	if n.Broker, err = Start(deadline(t), n.opt); err != nil {
		t.Errorf("%s: %v", n.opt.Cluster.Node, err)
		return
	}
	t.Cleanup(func() { _ = n.Close() })
}

// freeAddrs finds unused addresses.
func freeAddrs(t *testing.T, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

func TestAClusterSurvivesTheLossOfOneNode(t *testing.T) {
	nodes := cluster(t)
	ctx := deadline(t)
	publish(t, nodes[0].Broker, 5)
	k := bucket(t, nodes[0].Broker, "reports", time.Hour)
	other := bucket(t, nodes[1].Broker, "reports", time.Hour)
	eventually(t, "the new bucket on the nodes that write", func() bool { return nodes[0].Healthy() == nil && nodes[1].Healthy() == nil })
	rev := put(t, k, "key", "1")
	if _, err := other.Create(ctx, "key", nil); !errors.Is(err, ErrExists) {
		t.Errorf("Create on another node: %v", err)
	}
	if rev, err := other.Update(ctx, "key", []byte("2"), rev); err != nil || rev == 0 {
		t.Errorf("Update on another node: %v", err)
	}
	if _, err := k.Update(ctx, "key", []byte("3"), rev); !errors.Is(err, ErrConflict) {
		t.Errorf("Update with an old revision: %v", err)
	}

	if err := nodes[0].Close(); err != nil { // it has the connection, and may have been the leader
		t.Fatal(err)
	}
	eventually(t, "a job taken by the two others", func() bool {
		return nodes[1].Publish(ctx, "after the loss", nil) == nil
	})
	if jobs := collect(t, nodes[2].Broker, 6); jobs["job-4"].ID == "" {
		t.Errorf("jobs: %v", jobs)
	}
	eventually(t, "the entry", func() bool { e, err := other.Get(ctx, "key"); return err == nil && string(e.Value) == "2" })

	nodes[0].start(t)
	eventually(t, "all three well", func() bool {
		return nodes[0].Healthy() == nil && nodes[1].Healthy() == nil && nodes[2].Healthy() == nil
	})
	eventually(t, "an empty queue", func() bool { s, err := nodes[0].Stats(ctx); return err == nil && s.Pending == 0 })
}

// Losing a node that doesn't lead the queue leaves nothing without a leader.
func TestOneNodeLeadsTheQueueAndAllBuckets(t *testing.T) {
	nodes := cluster(t)
	for _, n := range nodes {
		bucket(t, n.Broker, "reports", time.Hour)
		bucket(t, n.Broker, "incidents", time.Hour)
		bucket(t, n.Broker, "said", time.Hour)
	}
	leader := func() (found *node) {
		for _, n := range nodes {
			if n.closing.Err() == nil && n.Leads() && n.ledElsewhere() == "" {
				found = n
			}
		}
		return found
	}
	eventually(t, "one node that leads all", func() bool { return leader() != nil })
	first := leader()
	for _, n := range nodes {
		if n != first && n.ledElsewhere() == "" {
			t.Errorf("%s leads all, too", n.opt.Cluster.Node)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another node that leads all", func() bool { return leader() != nil })
}

func TestOfAllReplicasThatFindAJobOneEnqueuesIt(t *testing.T) {
	nodes := cluster(t)
	var added, there atomic.Int32
	var all sync.WaitGroup
	for _, n := range nodes {
		for range 20 {
			all.Go(func() {
				switch err := n.Publish(deadline(t), "job", nil); {
				case err == nil:
					added.Add(1)
				case errors.Is(err, ErrExists):
					there.Add(1)
				default:
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	s, err := nodes[0].Stats(deadline(t))
	if err != nil || s.Pending != 1 || added.Load() != 1 || there.Load() != 59 {
		t.Errorf("%+v, %v: %d enqueued it and %d found it there", s, err, added.Load(), there.Load())
	}
}

func TestWithoutAMajorityNothingIsTaken(t *testing.T) {
	nodes := cluster(t)
	for _, n := range nodes[1:] {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "an unhealthy node", func() bool { return nodes[0].Healthy() != nil })
	ctx, cancel := context.WithTimeout(deadline(t), 5*time.Second)
	defer cancel()
	if err := nodes[0].Publish(ctx, "alone", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestANodeAloneSaysWhatItWaitsFor(t *testing.T) {
	addrs := freeAddrs(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	waits := make(chan string, 100)
	_, err := Start(ctx, Options{Dir: t.TempDir(), Cluster: &ClusterOptions{
		Node: "a", Listen: addrs[0], Routes: []string{"nats://" + addrs[1], "nats://" + addrs[2]}, Secret: testSecret, Replicas: 3,
	}, OnWait: func(what string) { waits <- what }})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "two of the three nodes must be up") {
		t.Errorf("%v", err)
	}
	if what := <-waits; !strings.Contains(what, "the work queue: 1 of 3 nodes are connected") {
		t.Errorf("it waited for %q", what)
	}
}

func TestNodesWithDifferentSecretsSayWhyTheyWait(t *testing.T) {
	addrs := freeAddrs(t, 2)
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() {
			told := false
			_, err := Start(ctx, Options{Dir: t.TempDir(), Logger: testLog(t), Cluster: &ClusterOptions{
				Node: fmt.Sprint("node-", i), Listen: addr, Routes: []string{"nats://" + addrs[0], "nats://" + addrs[1]}, Replicas: 3,
				Secret: testSecret + fmt.Sprint(i),
			}, OnWait: func(what string) {
				if told = told || strings.Contains(what, "a node has another secret than this one"); told {
					cancel()
				}
			}})
			if ctx.Err() == nil || err == nil || strings.Contains(err.Error(), testSecret) {
				t.Errorf("node %d ended with %v", i, err)
			}
		})
	}
	all.Wait()
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("nobody said that the secrets differ")
	}
}

func TestWhatOneNodeHasLostAllNodesBeginAnew(t *testing.T) {
	nodes := cluster(t)
	k := bucket(t, nodes[0].Broker, "reports", time.Hour)
	w := watch(t, bucket(t, nodes[1].Broker, "reports", time.Hour))
	put(t, k, "before", "1")
	eventually(t, "the watcher is told", func() bool { return w.state()["before"] == "1" })
	time.Sleep(2 * checkEvery) // until all have seen the bucket
	for _, name := range []string{"KV_reports", streamName} {
		if err := nodes[2].link.Load().js.DeleteStream(deadline(t), name); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a job is taken", func() bool { return nodes[0].Publish(t.Context(), "after", nil) == nil })
	eventually(t, "an entry is taken", func() bool { _, err := k.Put(t.Context(), "after", []byte("2")); return err == nil })
	eventually(t, "the watcher of another node is told", func() bool { return w.state()["after"] == "2" })
}

// A leader that is gone no longer answers: pending messages are stored by the next one, once,
// however often they are sent.
func TestTheNextLeaderStoresWhatTheLastHasNotAnswered(t *testing.T) {
	nodes := cluster(t)
	lead := 0
	eventually(t, "one leads", func() bool {
		leaders := 0
		for i, n := range nodes {
			if n.Leads() {
				lead, leaders = i, leaders+1
			}
		}
		return leaders == 1
	})
	other := nodes[(lead+1)%3]
	if err := nodes[lead].Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		id := fmt.Sprint("job ", i)
		eventually(t, id+" is stored", func() bool {
			err := other.Publish(t.Context(), id, []byte("x"))
			return err == nil || errors.Is(err, ErrExists)
		})
	}
	eventually(t, "the queue has each once, and another leads", func() bool {
		s, err := other.Stats(t.Context())
		return err == nil && s.Pending == 3 && (other.Leads() || nodes[(lead+2)%3].Leads())
	})
}

// A node that lags, or can't keep a copy, still has a leader to write to: it reports that it is
// unhealthy, but refuses nothing.
func TestANodeThatIsNotWellWritesAsLongAsTheOthersAnswer(t *testing.T) {
	nodes := cluster(t)
	k := bucket(t, nodes[0].Broker, "reports", time.Hour)
	bucket(t, nodes[0].Broker, "other", time.Hour)
	eventually(t, "the new buckets on every node", func() bool {
		return nodes[0].Healthy() == nil && nodes[1].Healthy() == nil && nodes[2].Healthy() == nil
	})
	time.Sleep(6 * time.Second) // JetStream undoes within five seconds what it can't create
	put(t, k, "before", "1")
	ill := nodes[0]
	if err := ill.Close(); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(ill.opt.Dir, "jetstream", "$G", "streams", "KV_other")
	if err := errors.Join(os.RemoveAll(files), os.WriteFile(files, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	ill.start(t)
	eventually(t, "it is not well", func() bool { return ill.Healthy() != nil })
	k = bucket(t, ill.Broker, "reports", time.Hour)
	for i := range 3 {
		time.Sleep(2 * checkEvery) // until the next check
		if err := ill.Publish(deadline(t), fmt.Sprint("job ", i), nil); err != nil {
			t.Errorf("Publish: %v", err)
		}
		if _, err := k.Put(deadline(t), "after", []byte("2")); err != nil {
			t.Errorf("Put: %v", err)
		}
		if ill.Healthy() == nil {
			t.Error("it is well")
		}
	}
}
