// SPDX-License-Identifier: Apache-2.0

//go:build race

package main

// underRace says that the race detector watches, under which two days of
// history take minutes to write.
const underRace = true
