// Package tabular reads the files that culprit analyses offline, and turns them
// into the frames that package analysis works on.
//
// Readers take an io.Reader: parsing is not I/O. All files are CSV with a
// header, UTF-8, with or without a byte order mark, and none is ever put on
// another grid of times than its own.
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
// # Mistakes
//
// An error is the user's to mend: it names line and column, shows what stands
// there and says what to write instead. What is merely bad data, such as a
// column that stands there twice, is a note that ends as a warning in the result.
package tabular
