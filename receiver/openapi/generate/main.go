// SPDX-License-Identifier: Apache-2.0

// Generate writes the OpenAPI document and the types of the Go client below the root
// of the repository.
package main

import (
	"os"

	"github.com/culprit-dev/culprit/config/schema"
	"github.com/culprit-dev/culprit/receiver/openapi/document"
)

func main() { os.Exit(schema.Main(os.Args[1:], document.Files)) }
