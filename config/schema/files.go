// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"reflect"

	"github.com/culprit-dev/culprit/config"
)

// Files returns the schemas of the repository, by the names of their files. dir
// is any directory of the module.
func Files(dir string) (map[string][]byte, error) {
	notes, err := ReadNotes(dir,
		"github.com/culprit-dev/culprit/config", "github.com/culprit-dev/culprit/analysis", "github.com/prometheus/common/config")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, s := range map[string]*Schema{
		"culprit.schema.json": Of(reflect.TypeFor[config.Config](), "The configuration of culprit", notes),
		"rules.schema.json":   Of(reflect.TypeFor[ruleFile](), "A rule file of culprit", notes),
	} {
		if files[name], err = s.Encode(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// ruleFile is the whole of a rule file.
type ruleFile struct {
	Rules []config.Rule `yaml:"rules"`
}
