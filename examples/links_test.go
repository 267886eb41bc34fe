// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageLink   = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	pageTitle  = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	notInAName = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link of every page to a file of the repository, or to a heading in it, has a target.
func TestEveryLinkOfThePagesLeads(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			seen += checkLinks(t, path)
		}
		return err
	})
	if err != nil || seen < 40 {
		t.Errorf("%d links were looked at: %v", seen, err)
	}
}

// checkLinks follows the links of a page and returns how many it followed.
func checkLinks(t *testing.T, path string) int {
	t.Helper()
	seen := 0
	for _, m := range pageLink.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, path), ""), -1) {
		link := m[1] + m[2]
		if strings.Contains(link, ":") {
			continue // of another site
		}
		seen++
		name, anchor, _ := strings.Cut(link, "#")
		target := path
		if name != "" {
			target = filepath.Join(filepath.Dir(path), name)
		}
		if _, err := os.Stat(target); err != nil {
			t.Errorf("%s: the link %s leads nowhere", path, link)
		} else if anchor != "" && !anchors(read(t, target))[anchor] {
			t.Errorf("%s: no heading is called as in the link %s", path, link)
		}
	}
	return seen
}

// anchors returns the anchors that a forge gives the headings of a page.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range pageTitle.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := notInAName.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}
