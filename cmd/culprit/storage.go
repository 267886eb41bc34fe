// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/receiver/broker"
)

const backupHelp = `Write the queue and the reports to one file.

  culprit storage backup --storage.path /var/lib/culprit culprit.tar.gz

culprit must not be running on the directory. Alerts that fire in the meantime are found in Alertmanager after the next start. Each
of three replicas has its own directory: back up one of them while the other two keep running.`

const restoreHelp = `Write a backup into an empty directory.

  culprit storage restore --storage.path /var/lib/culprit culprit.tar.gz

The file has a checksum. A damaged file is rejected, and culprit refuses to start on what was restored from it.`

func addStorage(app *kingpin.Application, commands map[string]command) {
	storage := app.Command("storage", "Back up or restore culprit's data.")
	for _, c := range []struct {
		name, help string
		do         func(dir, file string) error
	}{{"backup", backupHelp, backUp}, {"restore", restoreHelp, restore}} {
		var dir, file string
		cmd := storage.Command(c.name, c.help)
		cmd.Flag("storage.path", "Directory of the queue and the reports.").Default("data").StringVar(&dir)
		cmd.Arg("file", "The backup.").Required().StringVar(&file)
		commands[cmd.FullCommand()] = func(_ context.Context, s streams) error {
			if err := c.do(dir, file); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.out, "%s: %s is done\n", file, c.name)
			return err
		}
	}
}

// backUp writes a backup, completely or not at all, without overwriting anything.
func backUp(dir, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w; hint: name a file that does not exist yet", err)
	}
	err = errors.Join(broker.Backup(dir, f), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func restore(dir, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("%w; hint: name a file that culprit storage backup has written", err)
	}
	defer f.Close()
	return broker.Restore(dir, f)
}
