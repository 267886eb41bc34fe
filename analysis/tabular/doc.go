// SPDX-License-Identifier: Apache-2.0

// Package tabular reads the files that culprit analyses offline, and turns them
// into the frames that package analysis works on.
//
// Readers take an io.Reader: parsing is not I/O. All files are CSV with a
// header, UTF-8, with or without a byte order mark. Times are never resampled to
// another grid.
//
// # Series
//
// [ReadSeries] reads a table of series: the first column is `time`, in Unix
// seconds or as RFC 3339, every other column one series, its name in the header.
// An empty cell and NaN are a missing sample. Rows may come in any order.
//
//	time,entry|latency_p90,cart|cpu_usage
//	1661140440,0.51,12.5
//	2022-08-22T03:55:00Z,0.49,
//
// A name is free, but two forms say whose series it is: `service|metric`, and a
// Prometheus series, `metric{service="cart"}`. [Series.Frame] makes a frame of
// a table once it is told which column is the KPI ([Roles]).
//
// # Cases
//
// A [Case] is the JSON beside a public data set: it names the files of one
// incident, the KPI, the onset, the call graph, and service and kind of each
// series, and what the cause really was.
//
// # Breakdowns
//
// A measure split by labels comes in four forms. Each becomes an
// [analysis.Breakdown], which [Frame] makes a frame of.
//
// [ReadSnapshot] reads one row per combination of label values: every column is a
// label except real and predict, the actual value and the forecast; of a ratio,
// numerator_real, numerator_predict, denominator_real and denominator_predict.
//
//	path,version,real,predict
//	/pay,v2,41,3.1
//
// [ReadWide] reads labels and then one column a time, [ReadLong] rows with a
// column of time. Both give a [LeafTable]; [Breakdown] takes out of one, or of
// the two of a ratio, what came in an incident and what a forecast is made of,
// or a baseline that the user has chosen ([Window]).
//
//	path,version,1661140440,1661140740
//	/pay,v2,3,41
//
// [ReadMarginals] reads each label by itself: one row per value of a label, and a
// row without a label for the total.
//
//	label,value,real,predict
//	,,50,100
//	device,tablet,0,25
//
// An empty cell counts as 0, since a part without a sample had no events; a time
// at which all cells are empty does not exist. Rows and columns may come in
// any order, except for the times of a wide table, and rows with the same labels are
// summed. Negative values are rejected: they cannot be parts of a whole.
//
// # Mistakes
//
// Errors are for the user to fix: they name line and column, show the value and say
// what to write instead. Data that is merely bad, such as a duplicate column, gives a
// note that becomes a warning in the result.
package tabular
