# SPDX-License-Identifier: Apache-2.0
# Tells culprit of every apply that has replaced or changed what is named in `input`.
# CULPRIT and CULPRIT_TOKEN are in the environment. With HCP Terraform no resource is needed: add a
# notification of type Webhook to the workspace, for "Completed" runs, with the address
# https://culprit:TOKEN@culprit.example.org/api/v1/changes?format=terraform
resource "terraform_data" "tell_culprit" {
  input            = aws_db_instance.orders.instance_class
  triggers_replace = [aws_db_instance.orders.instance_class]

  provisioner "local-exec" {
    on_failure = continue # culprit is never a reason to fail an apply
    environment = {
      WHAT = "orders database is now ${self.input}"
      TO   = self.input
    }
    command = <<-EOT
      jq -n '{source: "terraform", title: env.WHAT, at: (now | todate), to: env.TO, labels: {service: "orders-db"}}' |
        curl --fail-with-body --retry 3 --max-time 20 -H "Authorization: Bearer $CULPRIT_TOKEN" -H 'Content-Type: application/json' \
          --data-binary @- "$CULPRIT/api/v1/changes"
    EOT
  }
}
