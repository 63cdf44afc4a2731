resource "google_storage_bucket" "deliveries" {
  project                     = var.project
  name                        = "${var.project}-${var.name}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection
  labels                      = var.labels

  versioning {
    enabled = true
  }
}

# What Dataproc needs for itself, and the program: apart, since jobs write here and only read there.
resource "google_storage_bucket" "staging" {
  project                     = var.project
  name                        = "${var.project}-${var.name}-staging"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = 30
      matches_prefix = ["google-cloud-dataproc-metainfo/"]
    }
  }
}

resource "google_storage_bucket_iam_member" "job_reads_deliveries" {
  bucket = google_storage_bucket.deliveries.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.job.member
}

resource "google_storage_bucket_iam_member" "job_uses_staging" {
  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectUser"
  member = google_service_account.job.member
}

resource "google_storage_bucket_iam_member" "submitters_use_staging" {
  for_each = var.submitters

  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectUser"
  member = each.value
}
