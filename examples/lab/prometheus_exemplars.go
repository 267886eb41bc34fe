// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/promapi"
)

// exemplars are the exemplars of one series, in the API's JSON.
type exemplars struct {
	SeriesLabels labels.Labels  `json:"seriesLabels"`
	Exemplars    []exemplarJSON `json:"exemplars"`
}

type exemplarJSON struct {
	Labels    labels.Labels `json:"labels"`
	Value     string        `json:"value"`
	Timestamp json.Number   `json:"timestamp"` // seconds
}

func (p *Prometheus) queryExemplars(r *http.Request) (promapi.Answer, error) {
	start, err := promapi.Time(r, "start", time.UnixMilli(0))
	if err != nil {
		return promapi.Answer{}, err
	}
	end, err := promapi.Time(r, "end", time.Now().Add(time.Hour))
	if err != nil {
		return promapi.Answer{}, err
	}
	e, err := p.parser.ParseExpr(r.Form.Get("query"))
	if err != nil {
		return promapi.Answer{}, promapi.BadData("invalid parameter \"query\": %w", err)
	}
	q, err := p.db.ExemplarQuerier(r.Context())
	if err != nil {
		return promapi.Answer{}, err
	}
	found, err := q.Select(start.UnixMilli(), end.UnixMilli(), parser.ExtractSelectors(e)...)
	if err != nil {
		return promapi.Answer{}, err
	}
	all := make([]exemplars, 0, len(found))
	for _, f := range found {
		all = append(all, exemplars{f.SeriesLabels, written(f.Exemplars)})
	}
	return promapi.Answer{Data: all}, nil
}

func written(list []exemplar.Exemplar) []exemplarJSON {
	all := make([]exemplarJSON, 0, len(list))
	for _, e := range list {
		all = append(all, exemplarJSON{
			e.Labels, strconv.FormatFloat(e.Value, 'f', -1, 64), json.Number(strconv.FormatFloat(float64(e.Ts)/1000, 'f', 3, 64)),
		})
	}
	return all
}
