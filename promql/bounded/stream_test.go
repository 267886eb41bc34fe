// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

// read decodes an answer, limited to a number of bytes.
func read(t testing.TB, body string, q Question, bytes int64) (model.Value, []string, error) {
	c := &Client{most: bytes, large: make(chan struct{}, 1), metrics: newMetrics()}
	m := c.meter(t.Context(), strings.NewReader(body), c.most)
	defer m.close()
	return newStream(m, c.metrics, q).value()
}

func decode(t testing.TB, body string) (model.Value, []string, error) {
	return read(t, body, Question{}, DefaultBytes)
}

func success(kind, result string) string {
	return `{"status":"success","data":{"resultType":"` + kind + `","result":` + result + `}}`
}

func TestEveryKindOfAnswer(t *testing.T) {
	a := model.Metric{"__name__": "up", "job": `a"b`}
	for body, want := range map[string]model.Value{
		success("vector", `[{"metric":{"__name__":"up","job":"a\"b"},"value":[1.5,"1"]}]`):               model.Vector{{Metric: a, Timestamp: 1500, Value: 1}},
		success("vector", `[ { "value" : [ 1.5 , "1" ] , "metric" : {"__name__":"up","job":"a\"b"} } ]`): model.Vector{{Metric: a, Timestamp: 1500, Value: 1}},
		success("vector", `[]`): model.Vector{},
		success("matrix", `[{"values":[[0,"NaN"],[60.001,"+Inf"],[120,"-Inf"],[180,"1e-3"]],"metric":{}}]`): model.Matrix{{Metric: model.Metric{}, Values: []model.SamplePair{
			{Timestamp: 0, Value: model.SampleValue(math.NaN())},
			{Timestamp: 60001, Value: model.SampleValue(math.Inf(1))},
			{Timestamp: 120000, Value: model.SampleValue(math.Inf(-1))},
			{Timestamp: 180000, Value: 0.001},
		}}},
		success("scalar", `[1435781451.781,"1"]`):                                                      &model.Scalar{Timestamp: 1435781451781, Value: 1},
		`{"data":{"result":[{"metric":{},"value":[1,"2"]}],"resultType":"vector"},"status":"success"}`: model.Vector{{Metric: model.Metric{}, Timestamp: 1000, Value: 2}},
	} {
		got, _, err := decode(t, body)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
	}
}

func TestWarningsAndErrorsOfServer(t *testing.T) {
	_, warnings, err := decode(t, `{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]},"warnings":["a store is missing"],"infos":["x"],"stats":{"a":[1,{}]}}`)
	if d := cmp.Diff([]string{isPartial, "a store is missing"}, warnings); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	var refused *v1.Error
	_, _, err = decode(t, `{"status":"error","data":null,"errorType":"execution","error":"`+strings.Repeat("long ", 1000)+`"}`)
	if !errors.As(err, &refused) || refused.Type != v1.ErrExec || len(refused.Msg) > mostSaid+10 {
		t.Errorf("%v", err)
	}
}

func TestNativeHistogramsAreSkippedWithWarning(t *testing.T) {
	const h = `[1,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]`
	for _, body := range []string{
		success("vector", `[{"metric":{"a":"b"},"histogram":`+h+`},{"metric":{},"value":[1,"2"]}]`),
		success("matrix", `[{"metric":{"a":"b"},"histograms":[`+h+`]},{"metric":{},"values":[[1,"2"]]}]`),
	} {
		v, warnings, err := decode(t, body)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "native histograms were left out") {
			t.Errorf("%v %q", err, warnings)
		}
		if strings.Contains(fmt.Sprint(v), "b") || !strings.Contains(fmt.Sprint(v), "2") {
			t.Errorf("%v", v)
		}
	}
}

func TestWhatCantBeUnderstoodIsAnError(t *testing.T) {
	long := strings.Repeat("9", 1_000_000)
	for name, body := range map[string]string{
		"html":                   `<html>`,
		"nothing":                ``,
		"a text":                 `"success"`,
		"no data":                `{"status":"success"}`,
		"deep":                   strings.Repeat(`[`, 1_000_000),
		"deep data":              `{"data":` + strings.Repeat(`{"a":`, 1_000_000),
		"a metric twice":         success("vector", `[{"metric":{"a":"1","a":"2"},"value":[1,"2"]}]`),
		"data twice":             `{"data":{"resultType":"vector","result":[]},"data":{"resultType":"vector","result":[]}}`,
		"a long number":          success("vector", `[{"metric":{},"value":[`+long+`,"2"]}]`),
		"a long value":           success("vector", `[{"metric":{},"value":[1,"`+long+`x"]}]`),
		"a label of a megabyte":  success("vector", `[{"metric":{"a":"`+strings.Repeat("x", 3<<20)+`"},"value":[1,"2"]}]`),
		"a label that is a list": success("vector", `[{"metric":{"a":[]},"value":[1,"2"]}]`),
		"a bare value":           success("vector", `[{"metric":{},"value":[1,2]}]`),
		"three":                  success("vector", `[{"metric":{},"value":[1,"2",3]}]`),
		"one":                    success("vector", `[{"metric":{},"value":[1]}]`),
		"no value":               success("vector", `[{"metric":{}}]`),
		"an object":              success("vector", `[{"metric":{},"value":{}}]`),
		"two values":             success("vector", `[{"metric":{},"values":[[1,"2"],[2,"2"]]}]`),
		"an unknown kind":        success(strings.Repeat("x", 10_000), `[]`),
		"a scalar of three":      success("scalar", `[1,"2",3]`),
		"no end":                 strings.TrimSuffix(success("vector", `[{"metric":{},"value":[1,"2"]}]`), "}}"),
	} {
		v, _, err := decode(t, body)
		if err == nil || v != nil || len(err.Error()) > 2*mostSaid {
			t.Errorf("%s: %v, %.500v", name, v, err)
		}
	}
}

func TestAnAnswerIsCutAtEachBound(t *testing.T) {
	one := func(i int) string { return fmt.Sprintf(`{"metric":{"i":"%d"},"values":[[0,"1"],[60,"2"]]}`, i) }
	var all []string
	for i := range 1000 {
		all = append(all, one(i))
	}
	body := `{"status":"success","data":{"result":[` + strings.Join(all, ",") + `],"resultType":"matrix"}}`
	for name, tc := range map[string]struct {
		q     Question
		bytes int64
		kept  int
		words string
	}{
		"series":  {Question{Series: 10}, 1 << 20, 10, "prometheus.max_series"},
		"samples": {Question{Samples: 21}, 1 << 20, 10, "21 samples"},
		"bytes":   {Question{}, 10_000, -1, "prometheus.max_bytes"},
	} {
		v, _, err := read(t, body, tc.q, tc.bytes)
		var cut *Cut
		m, _ := v.(model.Matrix)
		if !errors.As(err, &cut) || !strings.Contains(cut.What, tc.words) || cut.Series != len(m) || len(m) == 0 {
			t.Fatalf("%s: %v, %d series", name, err, len(m))
		}
		if tc.kept >= 0 && len(m) != tc.kept {
			t.Errorf("%s: %d series", name, len(m))
		}
		for i, s := range m {
			if len(s.Values) != 2 || string(s.Metric["i"]) != fmt.Sprint(i) {
				t.Errorf("%s: half a series was kept: %v", name, s)
			}
		}
	}
}

func TestSeriesBeyondBoundIsDropped(t *testing.T) {
	body := success("matrix", `[{"metric":{},"values":[`+strings.Repeat(`[1,"2"],`, 100_000)+`[2,"2"]]}]`)
	v, _, err := read(t, body, Question{}, 100_000)
	if m, _ := v.(model.Matrix); !errors.As(err, new(*Cut)) || len(m) != 0 {
		t.Errorf("%v %v", len(m), err)
	}
}

func TestLabelSetsAreShared(t *testing.T) {
	c := &Client{most: DefaultBytes, large: make(chan struct{}, 1), metrics: newMetrics()}
	for range 3 {
		for i := range 30_000 {
			raw := fmt.Appendf(nil, `{"instance":"%d","job":"%s"}`, i, strings.Repeat("x", 500))
			m, err := c.metrics.of(raw)
			if err != nil || string(m["instance"]) != fmt.Sprint(i) {
				t.Fatal(m, err)
			}
		}
	}
	if n := len(c.metrics.now) + len(c.metrics.old); n > 2*mostMetrics/500+2 {
		t.Errorf("%d are remembered", n)
	}
}

// TestTheStreamReadsWhatTheLibraryReads compares with the decoders of prometheus/common on
// Prometheus's own output.
func TestTheStreamReadsWhatTheLibraryReads(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var m model.Matrix
		for range rapid.IntRange(0, 4).Draw(r, "series") {
			s := &model.SampleStream{Metric: model.Metric{}}
			for k, v := range rapid.MapOf(rapid.StringMatching(`[a-z_]{1,8}`), rapid.String()).Draw(r, "labels") {
				s.Metric[model.LabelName(k)] = model.LabelValue(strings.ToValidUTF8(v, ""))
			}
			for range rapid.IntRange(1, 5).Draw(r, "points") {
				s.Values = append(s.Values, model.SamplePair{
					Timestamp: model.Time(rapid.Int64Range(0, 1e14).Draw(r, "time")),
					Value:     model.SampleValue(rapid.Float64().Draw(r, "value")),
				})
			}
			m = append(m, s)
		}
		text, err := json.Marshal(m)
		if err != nil {
			r.Fatal(err)
		}
		if m == nil {
			text = []byte("[]")
		}
		var want model.Matrix
		if err := json.Unmarshal(text, &want); err != nil {
			r.Fatal(err)
		}
		got, _, err := decode(t, success("matrix", string(text)))
		if err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(model.Value(want), got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			r.Fatal(d)
		}
	})
}

// FuzzStream decodes arbitrary input: it never panics or exceeds its bounds, and agrees with
// the library where it returns no error.
func FuzzStream(f *testing.F) {
	for _, body := range []string{
		success("vector", `[{"metric":{"a":"\u00e9"},"value":[1.5,"1"]}]`),
		success("matrix", `[{"metric":{},"values":[[1,"NaN"],[2,"+Inf"]]}]`),
		success("scalar", `[1,"1"]`),
		`{"status":"error","errorType":"bad_data","error":"no"}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]},"warnings":null}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, _, err := read(t, string(body), Question{Series: 3, Samples: 5}, 1<<16)
		var cut *Cut
		if err != nil && !errors.As(err, &cut) {
			return
		}
		switch v := v.(type) {
		case model.Matrix:
			if len(v) > 3 {
				t.Errorf("%d series", len(v))
			}
		case model.Vector:
			if len(v) > 3 {
				t.Errorf("%d series", len(v))
			}
		}
		var any any
		if err := json.Unmarshal(body, &any); cut == nil && err != nil {
			t.Errorf("%q is not JSON: %v", body, err)
		}
	})
}
