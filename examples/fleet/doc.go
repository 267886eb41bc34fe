// SPDX-License-Identifier: Apache-2.0

// Package fleet runs culprits as separate processes between real servers, where they can be killed,
// stopped and starved, and reports what became of their alerts.
package fleet
