// SPDX-License-Identifier: Apache-2.0

// Generate writes the JSON Schemas of the configuration and the reference of its
// keys below the root of the repository.
package main

import (
	"os"

	"github.com/culprit-dev/culprit/config/schema"
)

func main() { os.Exit(schema.Main(os.Args[1:], schema.Files)) }
