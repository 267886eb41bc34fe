// SPDX-License-Identifier: Apache-2.0

package grafana

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

const (
	appsVersion    = "v0alpha1"
	groupAt        = "/apis/annotation.grafana.app"
	firstNamespace = "default" // of organisation 1; others have org-<id>, and Grafana Cloud stacks-<id>
	maxPages       = 10        // per search
	maxWaiting     = 100       // annotations waiting to be recreated
)

// apps is the API annotation.grafana.app/v0alpha1. An annotation is a resource
// of the Kubernetes kind:
//
//	POST   …/namespaces/{namespace}/annotations         made by name
//	PATCH  …/namespaces/{namespace}/annotations/{name}  a merge patch
//	GET    …/namespaces/{namespace}/search              by time and tags
//
// Its behaviour depends on the server's store. The old database, which is the default, assigns the
// names (a-<id>), so annotations are those of the old API, and accepts a new end. Other stores keep
// the given name, refuse a second use of it (409), and never change the times: they answer 200 and
// drop a new end. So the end is read back after an update. If it was dropped, the annotation is
// deleted and recreated with the right end. Deleting comes first: if it were refused, two
// annotations would contradict each other forever.
type apps struct {
	remote *remote.Client
	at     string // namespace

	mu      sync.Mutex
	waiting map[string]Annotation // deleted and not yet recreated, by former ref
}

// object is an annotation as a Kubernetes resource.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type spec struct {
	Text         string   `json:"text"`
	Time         int64    `json:"time"`
	TimeEnd      int64    `json:"timeEnd,omitempty"`
	DashboardUID string   `json:"dashboardUID,omitempty"`
	PanelID      int64    `json:"panelID,omitempty"`
	Tags         []string `json:"tags,omitempty"`
}

func (a *apps) base() string {
	return groupAt + "/" + appsVersion + "/namespaces/" + url.PathEscape(a.at)
}

func (a *apps) path(ref string) string {
	return a.base() + "/annotations/" + url.PathEscape(nameOf(ref))
}

func (a *apps) find(ctx context.Context, q Query) ([]Annotation, error) {
	v := q.span()
	if len(q.Tags) > 0 {
		v["tag"] = q.Tags
	}
	if q.AnyTag {
		v.Set("tagsMatchAny", "true")
	}
	var list []Annotation
	for range maxPages {
		var page struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []object `json:"items"`
		}
		if err := get(ctx, a.remote, "read the annotations", a.base()+"/search", v, &page); err != nil {
			return nil, err
		}
		for _, o := range page.Items {
			list = append(list, o.annotation())
		}
		if page.Metadata.Continue == "" || len(list) >= q.Limit {
			break
		}
		v.Set("continue", page.Metadata.Continue)
	}
	return list[:min(len(list), q.Limit)], nil
}

func (a *apps) create(ctx context.Context, n Annotation) (string, error) {
	sum := sha256.Sum256([]byte(n.Key))
	return a.make(ctx, "culprit-"+hex.EncodeToString(sum[:8]), n)
}

// make creates an annotation under a name. An existing one with that name is the same annotation,
// as names are never reused.
func (a *apps) make(ctx context.Context, name string, n Annotation) (string, error) {
	var made object
	err := write(ctx, a.remote, remote.Request{Op: "make an annotation", Method: http.MethodPost, Path: a.base() + "/annotations"}, object{
		APIVersion: "annotation.grafana.app/" + appsVersion, Kind: "Annotation", Metadata: metadata{name, a.at},
		Spec: spec{Text: n.Text, Time: n.Time, TimeEnd: n.TimeEnd, DashboardUID: n.DashboardUID, PanelID: n.PanelID, Tags: n.Tags},
	}, &made)
	var e *remote.Error
	if errors.As(err, &e) && e.Status == http.StatusConflict {
		return name, nil
	}
	return refOf(made.Metadata.Name), err
}

func (a *apps) change(ctx context.Context, ref string, to Change) (string, error) {
	if n, ok := a.takeWaiting(ref); ok {
		return a.remake(ctx, ref, n, to)
	}
	err := a.patch(ctx, ref, to)
	if remote.ReasonOf(err) == remote.Refused && to.TimeEnd != 0 { // is the end refused, or the text?
		err = a.patch(ctx, ref, Change{Text: to.Text})
	}
	if err != nil || to.TimeEnd == 0 {
		return ref, err
	}
	var now object
	if err := get(ctx, a.remote, "read annotation "+ref, a.path(ref), nil, &now); err != nil || now.Spec.TimeEnd == to.TimeEnd {
		return ref, err
	}
	if err := a.remote.Do(ctx, remote.Request{Op: "replace annotation " + ref, Method: http.MethodDelete, Path: a.path(ref)}, nil); err != nil {
		return ref, err
	}
	return a.remake(ctx, ref, now.annotation(), to)
}

// patch updates the text, and the end if there is one.
func (a *apps) patch(ctx context.Context, ref string, to Change) error {
	return write(ctx, a.remote, remote.Request{
		Op: "update annotation " + ref, Method: http.MethodPatch, Path: a.path(ref),
		Header: http.Header{"Content-Type": {"application/merge-patch+json"}},
	}, map[string]any{"spec": struct {
		Text    string `json:"text"`
		TimeEnd int64  `json:"timeEnd,omitempty"`
	}{to.Text, to.TimeEnd}}, nil)
}

// remake recreates a deleted annotation with a change. It needs a new name, because that of a
// deleted one may stay taken. If it fails it is retried with the next change.
func (a *apps) remake(ctx context.Context, ref string, n Annotation, to Change) (string, error) {
	n.Text, n.TimeEnd = to.Text, to.TimeEnd
	made, err := a.make(ctx, nameOf(ref)+"-"+strconv.FormatInt(to.TimeEnd, 10), n)
	if err != nil {
		a.wait(ref, n)
		return ref, err
	}
	return made, nil
}

func (a *apps) wait(ref string, n Annotation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil || len(a.waiting) >= maxWaiting {
		a.waiting = map[string]Annotation{}
	}
	a.waiting[ref] = n
}

func (a *apps) takeWaiting(ref string) (Annotation, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, ok := a.waiting[ref]
	delete(a.waiting, ref)
	return n, ok
}

func (a *apps) dashboard(ctx context.Context, uid string) error {
	return get(ctx, a.remote, "look up the dashboard "+uid,
		"/apis/dashboard.grafana.app/v1/namespaces/"+url.PathEscape(a.at)+"/dashboards/"+url.PathEscape(uid), nil, nil)
}

func (o object) annotation() Annotation {
	return Annotation{
		Ref: refOf(o.Metadata.Name), DashboardUID: o.Spec.DashboardUID, PanelID: o.Spec.PanelID,
		Time: o.Spec.Time, TimeEnd: o.Spec.TimeEnd, Tags: o.Spec.Tags, Text: o.Spec.Text,
	}
}

// refOf is the ref for a name: the number of the old API, if the name contains it.
func refOf(name string) string {
	if id, ok := strings.CutPrefix(name, "a-"); ok && isNumber(id) {
		return id
	}
	return name
}

// nameOf is the name for a ref.
func nameOf(ref string) string {
	if isNumber(ref) {
		return "a-" + ref
	}
	return ref
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}
