// SPDX-License-Identifier: Apache-2.0

// Package web serves reports and incidents: as JSON for programs, and as pages for
// a person who was just woken up.
//
//	GET /                        the newest reports
//	GET /reports/{id}            one report
//	GET /incidents/{id}          one incident
//	POST /reports/{id}/explain   a fresh look at its alert, or at a part of its KPI; not stored
//	GET /a/{fingerprint}         the newest report of an alert; waits for it
//	GET /api/v1/reports          JSON list, newest first
//	GET /api/v1/reports/{id}     JSON of one report
//	GET /api/v1/incidents        JSON list, newest first
//	GET /api/v1/incidents/{id}   JSON of one incident
//
// Both lists take limit=, open=true|false, alertname=, status=,
// fingerprint=, incident=, prometheus= and match= (matchers as in Alertmanager, repeatable).
//
// The server renders pages and drawings. They load nothing from other hosts and work
// without JavaScript; a small script only adds copy buttons and the values of
// charts. A content security policy forbids everything that they don't need, because
// anybody who can get a metric scraped chooses the labels on them.
//
// [New] makes the handler. What there is to show comes from a [Reader].
package web
