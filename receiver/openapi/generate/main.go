// SPDX-License-Identifier: Apache-2.0

// Generate writes the OpenAPI document and the types of the Go client below the root
// of the repository.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/culprit-dev/culprit/receiver/openapi/document"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the root of the repository, have %d arguments", len(args))
	}
	files, err := document.Files(args[0])
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(args[0], name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
