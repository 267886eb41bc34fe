// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/alecthomas/kingpin/v2"

// addAnalyze adds the offline analyses: the daemon's methods, on files.
func addAnalyze(app *kingpin.Application, commands map[string]command) {
	analyze := app.Command("analyze", "Run an analysis on files, without any server.")
	for _, add := range []func(*kingpin.CmdClause, map[string]command){
		addAnalyzeDimensions, addAnalyzeCandidates, addAnalyzeGraph,
	} {
		add(analyze, commands)
	}
}
