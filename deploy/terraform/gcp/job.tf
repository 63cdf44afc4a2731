resource "google_service_account" "job" {
  project      = var.project
  account_id   = "${var.name}-job"
  display_name = "Jobs of trade-ingest"
}

resource "google_project_iam_member" "job_is_a_worker" {
  project = var.project
  role    = "roles/dataproc.worker"
  member  = google_service_account.job.member

  # of this role's rights on objects only those below the job's own buckets
  condition {
    title      = "own-buckets"
    expression = <<-EOT
      resource.service != "storage.googleapis.com" ||
      resource.name.startsWith("projects/_/buckets/${google_storage_bucket.staging.name}")
    EOT
  }
}

resource "google_project_iam_member" "submitters" {
  for_each = var.submitters

  project = var.project
  role    = "roles/dataproc.serverlessEditor"
  member  = each.value
}

resource "google_service_account_iam_member" "submitters_use_the_account" {
  for_each = var.submitters

  service_account_id = google_service_account.job.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}
