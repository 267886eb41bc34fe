// SPDX-License-Identifier: Apache-2.0

package grafana

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

const annotationsAt = "/api/annotations"

// legacy is the API of all versions since 7. Annotations have numbers, and no name from their
// creator.
type legacy struct{ remote *remote.Client }

// legacyAnnotation is the JSON of an annotation.
type legacyAnnotation struct {
	ID           int64    `json:"id,omitempty"`
	AlertID      int64    `json:"alertId,omitempty"`
	DashboardUID string   `json:"dashboardUID,omitempty"`
	PanelID      int64    `json:"panelId,omitempty"`
	Time         int64    `json:"time"`
	TimeEnd      int64    `json:"timeEnd"`
	Tags         []string `json:"tags"`
	Text         string   `json:"text"`
}

func (l legacy) find(ctx context.Context, q Query) ([]Annotation, error) {
	v := q.span()
	v.Set("type", "annotation")
	if len(q.Tags) > 0 {
		v["tags"] = q.Tags
	}
	if q.AnyTag {
		v.Set("matchAny", "true")
	}
	var found []legacyAnnotation
	if err := get(ctx, l.remote, "read the annotations", annotationsAt, v, &found); err != nil {
		return nil, err
	}
	list := make([]Annotation, 0, len(found))
	for _, a := range found {
		list = append(list, Annotation{
			Ref: strconv.FormatInt(a.ID, 10), DashboardUID: a.DashboardUID, PanelID: a.PanelID,
			Time: a.Time, TimeEnd: a.TimeEnd, Tags: a.Tags, Text: a.Text, OfAlert: a.AlertID != 0,
		})
	}
	return list, nil
}

func (l legacy) create(ctx context.Context, a Annotation) (string, error) {
	var made struct {
		ID int64 `json:"id"`
	}
	err := write(ctx, l.remote, remote.Request{Op: "make an annotation", Method: http.MethodPost, Path: annotationsAt}, legacyAnnotation{
		DashboardUID: a.DashboardUID, PanelID: a.PanelID, Time: a.Time, TimeEnd: a.TimeEnd, Tags: a.Tags, Text: a.Text,
	}, &made)
	return strconv.FormatInt(made.ID, 10), err
}

func (l legacy) change(ctx context.Context, ref string, to Change) (string, error) {
	q := remote.Request{Op: "update annotation " + ref, Method: http.MethodPatch, Path: annotationsAt + "/" + url.PathEscape(ref)}
	return ref, write(ctx, l.remote, q, struct {
		TimeEnd int64  `json:"timeEnd,omitempty"`
		Text    string `json:"text"`
	}{to.TimeEnd, to.Text}, nil)
}

func (l legacy) dashboard(ctx context.Context, uid string) error {
	return get(ctx, l.remote, "look up the dashboard "+uid, "/api/dashboards/uid/"+url.PathEscape(uid), nil, nil)
}
