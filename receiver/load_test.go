// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/config"
)

// TestNoMistakeHidesAnother reads files with structural mistakes. Their queries are still checked,
// and no mistake is lost.
func TestNoMistakeHidesAnother(t *testing.T) {
	files, err := filepath.Glob("../config/testdata/bad/*.yml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, mistakes := config.TextOf(file)
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		_, structural := config.Read(file, text)
		_, all := ReadConfig(file, text)
		for _, m := range structural {
			if !slices.Contains(all, m) {
				t.Errorf("%s is lost", m)
			}
		}
		if cfg, err := LoadConfig(file); cfg != nil || err == nil {
			t.Errorf("%s is used", file)
		}
	}
	none, err := LoadConfig("nowhere.yml")
	if none != nil || err == nil || !strings.Contains(err.Error(), "nowhere.yml: can't be read") {
		t.Errorf("%v", err)
	}
}
