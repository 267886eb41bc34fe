// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// member is a replica of a cluster: a node of the embedded NATS, with its store.
type member struct {
	*store
	broker *broker.Broker
	opt    broker.Options
}

// clusterOf starts three members in parallel.
func clusterOf(t *testing.T) []*member {
	t.Helper()
	members := make([]*member, 3)
	var peers, routes []string
	for range members {
		peer, err := lab.FreeAddress("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		peers, routes = append(peers, peer), append(routes, "nats://"+peer)
	}
	for i := range members {
		members[i] = &member{opt: broker.Options{Dir: t.TempDir(), MaxBucketBytes: -1, SyncInterval: time.Minute, Cluster: &broker.ClusterOptions{
			Node: fmt.Sprint("node-", i), Listen: peers[i], Routes: routes, Secret: strings.Repeat("s", broker.MinSecret), Replicas: len(members),
		}}}
	}
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() {
			var err error
			if m.broker, err = broker.Start(t.Context(), m.opt); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, m := range members {
		t.Cleanup(func() { _ = m.broker.Close() })
		m.store = storeOn(t, m.broker, storeOptions{}, nil)
	}
	for _, m := range members {
		eventually(t, "the new buckets are on every node", func() bool { return m.broker.Healthy() == nil })
	}
	return members
}

// keep stores a report like a worker, retrying while the node lags.
func (m *member) keep(t *testing.T, r *record) {
	t.Helper()
	eventually(t, "a report is stored", func() bool { _, err := m.Put(t.Context(), r); return err == nil })
}

// pageOf is a member's answer.
func (m *member) pageOf(t *testing.T, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	site(m.store).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		return nil
	}
	return w.Body.Bytes()
}

// agree waits until all members give the same, correct answer.
func agree(t *testing.T, members []*member, path string, ok func(answer []byte) bool) {
	t.Helper()
	eventually(t, "all members answer the same to "+path, func() bool {
		first := members[0].pageOf(t, path)
		for _, m := range members[1:] {
			if !bytes.Equal(first, m.pageOf(t, path)) {
				return false
			}
		}
		return first != nil && ok(first)
	})
}

// Whichever members explain the alerts of a fault, all see one and the same case; a simultaneous
// other fault stays separate.
func TestEachMemberOfAClusterSeesTheSameCases(t *testing.T) {
	members := clusterOf(t)
	var busy sync.WaitGroup
	for i, m := range members {
		busy.Go(func() {
			for n := range 4 { // each member explains some alerts of both faults, in shared groups
				service := fmt.Sprint("s", i, n)
				for _, r := range []*record{
					alertIn(fmt.Sprint("release-", n%2), "ErrorsHigh", service, noon, rollout("v42", noon)),
					alertIn("disk", "DiskSlow", service, noon, placed(map[string]string{"node": "n7"})),
				} {
					m.keep(t, r)
				}
			}
		})
	}
	busy.Wait()
	alerts := func(list []report.Case) (all []int) {
		for _, c := range list {
			all = append(all, c.Alerts, len(c.Incidents))
		}
		return all
	}
	agree(t, members, "/api/v1/cases", func([]byte) bool {
		var list []report.Case
		askSite(t, members[2].store, "/api/v1/cases", &list)
		got := fmt.Sprint(alerts(list))
		return got == "[12 2 12 1]" || got == "[12 1 12 2]"
	})
	var list []report.Case
	askSite(t, members[1].store, "/api/v1/cases", &list)
	for _, c := range list {
		agree(t, members, "/api/v1/cases/"+c.ID, func(answer []byte) bool { return bytes.Contains(answer, []byte(c.Summary)) })
	}
}

// If one member finds a cause that joins two cases, all members see one case, at both URLs.
func TestACauseThatOneMemberFindsJoinsTheCasesOfAll(t *testing.T) {
	members := clusterOf(t)
	members[0].keep(t, alertIn("a", "ErrorsHigh", "pay", noon, rollout("v42", noon)))
	second := alertIn("b", "SlowHigh", "cart", noon.Add(time.Minute), guess(rollout("v42", noon)))
	members[1].keep(t, second)
	var before []report.Case
	agree(t, members, "/api/v1/cases", func([]byte) bool {
		askSite(t, members[0].store, "/api/v1/cases", &before)
		return len(before) == 2
	})
	second.Report.Result.Causes[0].Confidence = analysis.High // another look
	members[1].keep(t, second)
	var after []report.Case
	agree(t, members, "/api/v1/cases", func([]byte) bool {
		askSite(t, members[2].store, "/api/v1/cases", &after)
		return len(after) == 1 && after[0].Alerts == 2
	})
	for _, c := range before {
		agree(t, members, "/api/v1/cases/"+c.ID, func(answer []byte) bool { return bytes.Contains(answer, []byte(after[0].ID)) })
	}
}
